import type { CfnFunction } from 'aws-cdk-lib/aws-lambda';
import type { ControlPlaneFunction } from './functions.ts';
import type { Workers } from './workers.ts';

/** The names of the workers. */
export type WorkerName = {
  [name in keyof Workers]: Workers[name] extends ControlPlaneFunction ? name : never;
}[keyof Workers];

/**
 * How many invocations of a worker run at once, at most and at least: reserved concurrency both takes them out of what the account has for
 * everybody, and keeps the worker to them (Lambda developer guide, "Configuring reserved concurrency"). So whatever an import, a rollout or a fleet that
 * reports sets going, the API has the rest of the account: 1,000 less these, 716, unless other things run in it.
 *
 * No worker loses work by it. Readers of the stream have the ten lanes of each shard, for the four that a table on demand begins with; where there are more, a lane that is throttled waits and goes
 * on with the same batch. What is invoked asynchronously waits up to six hours. The import worker has more than the ten that its queue may start: a message whose
 * function is throttled would count as tried, and at last be given up.
 */
export const reservedConcurrency: Readonly<Record<WorkerName, number>> = {
  publish: 40,
  // Short: it only wakes others.
  route: 40,
  // Ten by the queue, and as many that were confirmed or found lost, whom the router wakes.
  import: 20,
  // What a fleet says at once when a rollout has come: it waits, rather than take the table from the API.
  report: 50,
  presence: 20,
  // Scanners wait for this one, with a fleet behind a rollout.
  artifacts: 50,
  // Three gigabytes each, for seconds: exports and findings.
  derive: 10,
  renew: 10,
  // A worker a rollout, which hold each other off the same one.
  rollout: 10,
  // By the minute, and for whoever asks to be looked at.
  reconcile: 20,
  decommission: 10,
  // Two would only wait for each other, or find that another has gone on.
  sweep: 2,
  watchCertificates: 2,
};

/** What Lambda wants left for functions that reserve nothing (Lambda developer guide). */
export const leastUnreserved = 100;

/**
 * Reserves for each worker what the table says. An account whose limit is 10, as new ones have, can reserve nothing: there `reserve` is false, and
 * the deployment has no such protection until the limit is raised.
 */
export const reserveConcurrency = (workers: Workers, reserve: boolean): void => {
  if (!reserve) return;
  for (const [name, count] of Object.entries(reservedConcurrency))
    (workers[name as WorkerName].fn.node.defaultChild as CfnFunction).reservedConcurrentExecutions = count;
};
