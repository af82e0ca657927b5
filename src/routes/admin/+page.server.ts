/** One workspace: straight in. Several: the page is a chooser. None: it says so. */
import { redirect } from '@sveltejs/kit';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ parent }) => {
  const { workspaces } = await parent();
  const [only, ...others] = workspaces;
  if (only && others.length === 0) redirect(303, `/admin/workspaces/${only.id}/operations`);
};
