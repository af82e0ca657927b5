/** Triggers of operations, for tests that switched all of them off while they filled in history. */

/** SQL: what judges and completes each report is on again; what tells of it, and notes facts, stays off. */
export const ENABLE_JUDGES = `alter table operation_runs ${[
  '090_touch_new',
  '095_touch',
  '100_touch',
  '102_touch_step',
  '103_touch',
  '105_touch_progress'
]
  .map((name) => `enable always trigger operation_runs_${name}`)
  .join(', ')}`;
