/** How a wait is said: whole minutes, since seconds would be counted. Pure. */
export function toWait(seconds: number): string {
  const minutes = Math.ceil(seconds / 60);
  return minutes === 1 ? 'in a minute' : `in ${minutes} minutes`;
}
