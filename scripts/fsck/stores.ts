/** The stores, to be loaded once the variables are set by which they find table and bucket. */
export let heads: typeof import('../../functions/stores/heads.ts');
export let decommissions: typeof import('../../functions/stores/decommissions.ts');
export let due: typeof import('../../functions/stores/due.ts');
export let standing: typeof import('../../functions/stores/standing.ts');
export let authorities: typeof import('../../functions/stores/client-authorities.ts');
export let sources: typeof import('../../functions/stores/directory-sources.ts');
export let imports: typeof import('../../functions/stores/imports.ts');
export let lists: typeof import('../../functions/stores/lists.ts');
export let objects: typeof import('../../functions/stores/objects.ts');
export let rolloutCounts: typeof import('../../functions/stores/rollout-counts.ts');
export let survey: typeof import('../../functions/stores/survey.ts');
export let sweeping: typeof import('../../functions/stores/sweep.ts');

export const loadStores = async (): Promise<void> => {
  heads = await import('../../functions/stores/heads.ts');
  decommissions = await import('../../functions/stores/decommissions.ts');
  due = await import('../../functions/stores/due.ts');
  standing = await import('../../functions/stores/standing.ts');
  authorities = await import('../../functions/stores/client-authorities.ts');
  sources = await import('../../functions/stores/directory-sources.ts');
  imports = await import('../../functions/stores/imports.ts');
  lists = await import('../../functions/stores/lists.ts');
  objects = await import('../../functions/stores/objects.ts');
  rolloutCounts = await import('../../functions/stores/rollout-counts.ts');
  survey = await import('../../functions/stores/survey.ts');
  sweeping = await import('../../functions/stores/sweep.ts');
};
