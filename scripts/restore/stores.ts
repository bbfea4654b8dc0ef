/** The stores, to be loaded once the variables are set by which they find table and bucket. */
export let restoring: typeof import('../../functions/stores/restoring.ts');
export let survey: typeof import('../../functions/stores/survey.ts');
export let objects: typeof import('../../functions/stores/objects.ts');
export let standing: typeof import('../../functions/stores/standing.ts');
export let retention: typeof import('../../functions/stores/retention.ts');
export let rolloutCounts: typeof import('../../functions/stores/rollout-counts.ts');

export const loadStores = async (): Promise<void> => {
  restoring = await import('../../functions/stores/restoring.ts');
  survey = await import('../../functions/stores/survey.ts');
  objects = await import('../../functions/stores/objects.ts');
  standing = await import('../../functions/stores/standing.ts');
  retention = await import('../../functions/stores/retention.ts');
  rolloutCounts = await import('../../functions/stores/rollout-counts.ts');
};
