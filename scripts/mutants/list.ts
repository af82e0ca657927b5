/** All mutants, in the order of docs/TESTING.md: along the way of a change, from the trigger to the screen. */
import { access } from './list-access.ts';
import { delivery } from './list-delivery.ts';
import { displays } from './list-displays.ts';
import { feed } from './list-feed.ts';
import { log } from './list-log.ts';
import { screen } from './list-screen.ts';
import type { Mutant } from './mutant.ts';

export const MUTANTS: readonly Mutant[] = [...log, ...feed, ...delivery, ...access, ...screen, ...displays];
