/**
 * The catalogue of operation types as an administrator keeps it: label, what resolves a follow-up, how long silence is
 * normal. Built-in ones may be changed, not removed. A changed limit counts from an operation's next report on; a changed
 * policy counts at once, and what the former one had resolved stays resolved (a trigger sees to that).
 */
import type { Queryable } from '../database/pool.ts';
import { AdministrationError } from '../access/administration.ts';

export const FOLLOW_UP_POLICIES = ['repeatable', 'artifact', 'manual_review'] as const;
export type FollowUpPolicy = (typeof FOLLOW_UP_POLICIES)[number];

export interface OperationType {
  code: string;
  label: string;
  policy: FollowUpPolicy;
  queuedLimitSeconds: number;
  runningLimitSeconds: number;
  isBuiltIn: boolean;
}

const LONGEST_CODE = 120;
/** As in the trigger: what has dots, digits, letters, dashes and underscores is what writers send. */
const CODE_FORM = /^[a-z0-9]+(?:[._-][a-z0-9]+)*$/i;
const COLUMNS = `code, label, follow_up_policy as policy, queued_limit_seconds as "queuedLimitSeconds",
  running_limit_seconds as "runningLimitSeconds", is_built_in as "isBuiltIn"`;

export async function readTypes(db: Queryable): Promise<OperationType[]> {
  return (await db.query<OperationType>(`select ${COLUMNS} from public.operation_types order by code`)).rows;
}

/** Adds a type, or changes of one that is there what is given. A new one needs a label. */
export async function setType(
  db: Queryable,
  code: string,
  given: Partial<Omit<OperationType, 'code' | 'isBuiltIn'>>
): Promise<OperationType> {
  if (!CODE_FORM.test(code) || code.length > LONGEST_CODE)
    throw new AdministrationError(
      `"${code}" is not a code: write it as inventory.sync, at most ${LONGEST_CODE} characters.`
    );
  const label = given.label?.trim();
  if (label !== undefined && (label === '' || [...label].length > 120 || /\p{Cc}/u.test(label)))
    throw new AdministrationError('Write a label of 1 to 120 characters, without control characters.');
  const values = [
    code,
    label ?? null,
    given.policy ?? null,
    given.queuedLimitSeconds ?? null,
    given.runningLimitSeconds ?? null
  ];
  const changed = await db.query<OperationType>(
    `update public.operation_types set label = coalesce($2, label), follow_up_policy = coalesce($3, follow_up_policy),
       queued_limit_seconds = coalesce($4, queued_limit_seconds), running_limit_seconds = coalesce($5, running_limit_seconds)
     where code = $1 returning ${COLUMNS}`,
    values
  );
  if (changed.rows[0]) return changed.rows[0];
  if (label === undefined)
    throw new AdministrationError(`There is no type ${code} yet: add --label to make it. Nothing was changed.`);
  const added = await db.query<OperationType>(
    `insert into public.operation_types (code, label, follow_up_policy, queued_limit_seconds, running_limit_seconds)
     values ($1, $2, coalesce($3, 'manual_review'), coalesce($4, 900), coalesce($5, 1800))
     on conflict on constraint operation_types_pkey do update set label = excluded.label returning ${COLUMNS}`,
    values
  );
  return added.rows[0]!;
}

/** Operations of that type stay, and are read as of an unknown type: a person reviews their follow-ups. */
export async function removeType(db: Queryable, code: string): Promise<void> {
  const { rows } = await db.query<{ isBuiltIn: boolean }>(
    `with removed as (delete from public.operation_types where code = $1 and not is_built_in returning code)
     select is_built_in as "isBuiltIn" from public.operation_types where code = $1`,
    [code]
  );
  if (!rows[0]) throw new AdministrationError(`There is no type ${code}: "type list" shows them.`);
  if (rows[0].isBuiltIn)
    throw new AdministrationError(`The type ${code} is built in: change it with "type set", it cannot be removed.`);
}
