/** What every page knows: who is signed in, and how this browser wants colours and times. */
import type { LayoutServerLoad } from './$types';

export const load: LayoutServerLoad = ({ locals }) => ({
  person: locals.person,
  theme: locals.theme,
  timeZone: locals.timeZone,
  isZoneChosen: locals.isZoneChosen
});
