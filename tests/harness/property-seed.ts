/**
 * One seed for every property test, where WATCHFLOOR_SEED names one (as .ci/run does): a landing is judged by the same
 * cases each time. Previously properties without a seed of their own ignored it, and a submission could fail by luck.
 */
const seed = process.env['WATCHFLOOR_SEED'];
if (seed) {
  const { configureGlobal, readConfigureGlobal } = await import('fast-check');
  configureGlobal({ ...readConfigureGlobal(), seed: Number(seed) });
}
export {};
