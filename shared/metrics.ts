/**
 * What the functions measure, in one table: they emit by it, dashboard and alarms read by it. One dimension besides the service at most, and
 * one that is bounded: a code of the error table, never an id.
 */
type Unit = 'Count' | 'Milliseconds' | 'Seconds' | 'Bytes' | 'None';

interface Metric {
  readonly unit: Unit;
  /** Every sample says why, by a code of the error table or the name of an error. */
  readonly byCode?: true;
}

export const metrics = {
  /** From the commit of a revision until the Scanner's shadow has it; once for each revision that is published. */
  PublishLag: { unit: 'Milliseconds' },
  /** From the commit of a revision until its Scanner's report that it runs it was stored; once for each that is applied. */
  RevisionLag: { unit: 'Milliseconds' },
  /** Revisions that Scanners refused or could not apply, by what they said: `rejected` or `failed`. */
  RevisionsNotApplied: { unit: 'Count', byCode: true },
  /** Publications that failed and are tried again later. */
  PublishFailures: { unit: 'Count', byCode: true },
  /** Looks at Scanners that were due. */
  Looks: { unit: 'Count' },
  /** Looks that failed and are tried again later. */
  LookFailures: { unit: 'Count', byCode: true },
  /** Of imports that completed: tokens in the file, its bytes, and the seconds from taking the job up to its end. */
  ImportEntries: { unit: 'Count' },
  ImportBytes: { unit: 'Bytes' },
  ImportSeconds: { unit: 'Seconds' },
  /** Imports that ended in a failure: of the file, mostly. INTERNAL is ours. */
  ImportFailures: { unit: 'Count', byCode: true },
  /** Problem documents that the API answered; THROTTLED among them. */
  ApiProblems: { unit: 'Count', byCode: true },
  /** Requests of Scanners for objects that were refused. */
  ArtifactsRefused: { unit: 'Count', byCode: true },
  /** Rollouts that halted themselves, because too many targets failed or none of the canary applied. */
  RolloutsHalted: { unit: 'Count' },
  DaysUntilFirstCertificateExpires: { unit: 'None' },
  CertificatesExpiring: { unit: 'Count' },
  CertificatesExpired: { unit: 'Count' },
} as const satisfies Record<string, Metric>;

export type MetricName = keyof typeof metrics;

/** Those whose samples say why. */
export type CodedMetricName = {
  [name in MetricName]: (typeof metrics)[name] extends { byCode: true } ? name : never;
}[MetricName];

export type PlainMetricName = Exclude<MetricName, CodedMetricName>;

/** The namespace where a deployment has no name of its own, and the dimension `service` of every sample. */
export const metricsNamespace = 'ScannerControlPlane';
export const metricsService = 'control-plane';
