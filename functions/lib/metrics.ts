import { Metrics } from '@aws-lambda-powertools/metrics';
import {
  type CodedMetricName,
  metrics as known,
  metricsNamespace,
  metricsService,
  type PlainMetricName,
} from '../../shared/metrics.ts';

const metrics = new Metrics({
  namespace: process.env['POWERTOOLS_METRICS_NAMESPACE'] ?? metricsNamespace,
  serviceName: metricsService,
});

/** Adds a sample; it is written when the invocation ends, with the others in one line. */
export const measure = (name: PlainMetricName, value = 1): void => {
  metrics.addMetric(name, known[name].unit, value);
};

/** Counts something, in all and by a code, in a line of its own. The code is one of a bounded set: of the error table, or the name of an error. */
export const countBy = (name: CodedMetricName, code: string): void => {
  const one = metrics.singleMetric().addDimensions({}).addDimensions({ code });
  one.addMetric(name, known[name].unit, 1);
};

/** The first invocation of an environment says so, by function. */
export const measureColdStart = (functionName: string): void => metrics.captureColdStartMetric(functionName);

/** Writes what was measured; nothing where nothing was. */
export const writeMetrics = (): void => {
  if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
};
