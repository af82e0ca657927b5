/** The same as around every page of a signed-in person; what is one's own belongs to no workspace. */
export { load } from '../admin/+layout.server.ts';
