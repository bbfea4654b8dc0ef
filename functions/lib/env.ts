/** Environment variables that `infra/` gives the functions; the same names in both places. */
export type EnvironmentName =
  | 'TABLE_NAME'
  | 'BUCKET_NAME'
  | 'SCANNER_POLICY_NAME'
  | 'THING_TYPE_NAME'
  | 'MQTT_SERVER_CA'
  | 'HISTORY_DAYS'
  | 'IMPORT_FUNCTION'
  | 'RENEW_FUNCTION'
  | 'DERIVE_FUNCTION'
  | 'RECONCILE_FUNCTION'
  | 'RECONCILE_MINUTES'
  | 'ROLLOUT_FUNCTION'
  | 'ROLLOUT_RATE'
  | 'SHADOW_RATE'
  | 'THING_RATE'
  | 'DEAD_LETTER_QUEUE_URL'
  | 'DEAD_RECORD_BUCKET'
  | 'DECOMMISSION_FUNCTION';

/** The value of a variable; fails by name when the function was deployed without it. */
export const requireEnv = (name: EnvironmentName): string => {
  const value = process.env[name];
  if (value === undefined) throw new TypeError(`The function was deployed without ${name}.`);
  return value;
};
