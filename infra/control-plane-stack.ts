import { CfnOutput, CfnParameter, Duration, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { Resource } from '../shared/operations/define.ts';
import { prefixes } from '../shared/tables.ts';
import { Api } from './api.ts';
import { bindDue, bindHistory, bindObjects, bindRegistry, bindTable, type Paces } from './bind.ts';
import { reserveConcurrency } from './concurrency.ts';
import type { DeploymentConfig } from './config.ts';
import { Deployment } from './deployment.ts';
import { Fleet } from './fleet.ts';
import { ControlPlaneFunction } from './functions.ts';
import { MachineClients, type TokenSource } from './identity.ts';
import { Observability } from './observability.ts';
import { acknowledgeReviewed } from './reviewed.ts';
import { Storage } from './storage.ts';
import { lists, rows } from './table-uses.ts';
import { importTimeout, Workers } from './workers.ts';

/**
 * The whole control plane, as a configuration has it. What an operator may change without a synthesis is a parameter of the template,
 * whose default is the configuration's.
 */
export class ControlPlaneStack extends Stack {
  constructor(scope: Construct, id: string, props: StackProps & { config: DeploymentConfig }) {
    const { config, ...own } = props;
    super(scope, id, own);
    new Deployment(this, config);
    const parameters = this.parameters(config);
    const storage = new Storage(this, 'Storage', {
      importTimeout,
      historyDays: parameters.historyDays.valueAsString,
    });
    const paces: Paces = {
      shadow: parameters.shadowRate.valueAsString,
      thing: parameters.thingRate.valueAsString,
      rollout: parameters.rolloutRate.valueAsString,
      reconcileMinutes: parameters.reconcileMinutes.valueAsString,
    };
    const workers = new Workers(this, 'Workers', storage, paces);
    reserveConcurrency(workers, config.reserveConcurrency);
    const fleet = new Fleet(this, 'Fleet');
    fleet.addRules(workers);
    const functions = this.apiFunctions(storage);
    bindDue(functions.scanners, paces);
    bindRegistry(functions.scanners, {
      policyName: fleet.policy.ref,
      thingTypeName: fleet.thingType.ref,
      serverAuthorities: parameters.serverAuthorities.valueAsString,
    });
    const { api } = new Api(this, 'Api', { tokens: this.tokens(config), config, functions });
    new Observability(this, 'Observability', {
      functions: [...Object.values(functions), ...workers.all],
      api,
      storage,
    });
    acknowledgeReviewed(this, storage);
    new CfnOutput(this, 'TableName', { value: storage.table.tableName });
    new CfnOutput(this, 'BucketName', { value: storage.bucket.bucketName });
    new CfnOutput(this, 'KeyId', { value: storage.key.keyId });
    new CfnOutput(this, 'DeadLetterQueueUrl', { value: storage.deadLetters.queueUrl });
    new CfnOutput(this, 'DeadRecordBucketName', { value: storage.deadRecords.bucketName });
  }

  /** A user pool of the stack's own, or an issuer elsewhere. */
  private tokens({ identity }: DeploymentConfig): TokenSource {
    if (identity.kind === 'cognito') return new MachineClients(this, 'Identity', identity);
    const issuer = new CfnParameter(this, 'Issuer', {
      description: 'URL of the OIDC issuer of access tokens (RS256)',
      allowedPattern: '^https?://.+$',
      default: identity.issuer,
    });
    return { issuer: issuer.valueAsString, audience: identity.audience };
  }

  private parameters(config: DeploymentConfig) {
    const rate = (id: string, description: string, standard: number) =>
      new CfnParameter(this, id, {
        description,
        allowedPattern: '^[1-9][0-9]{0,5}$',
        default: String(standard),
      });
    return {
      historyDays: new CfnParameter(this, 'HistoryDays', {
        description:
          'Days that a superseded revision and an audit record are kept; 0: for ever. What is in force is never deleted.',
        allowedPattern: '^(0|[1-9][0-9]{0,4})$',
        default: String(config.historyDays),
      }),
      shadowRate: rate(
        'ShadowRate',
        'Requests a second to the shadow service that are the control plane’s; the account’s quota is 400 or 4,000, by region, and Scanners need as much again',
        config.shadowRate,
      ),
      thingRate: rate(
        'ThingRate',
        'Requests a second to the shadows of one thing; AWS IoT’s quota is 20',
        config.thingRate,
      ),
      rolloutRate: rate(
        'RolloutRate',
        'Commits a second of all rollouts together; each costs about ten requests to the shadow service',
        config.rolloutRate,
      ),
      reconcileMinutes: rate(
        'ReconcileMinutes',
        'Minutes after which a Scanner that nothing happened to is looked at again',
        config.reconcileMinutes,
      ),
      serverAuthorities: new CfnParameter(this, 'MqttServerCa', {
        description: 'Certificates, in PEM, by which Scanners know the MQTT endpoint; empty: those of Amazon',
        default: config.mqttServerCa ?? '',
      }),
    };
  }

  private apiFunctions(storage: Storage): Record<Resource, ControlPlaneFunction> {
    const api = (id: string, resource: Resource, memorySize: number, timeout: number, files: string[] = []) =>
      new ControlPlaneFunction(this, id, {
        entry: `functions/api/${resource}.lambda.ts`,
        description: `API: ${resource}`,
        memorySize,
        timeout: Duration.seconds(timeout),
        files,
      });
    const functions = {
      scanners: api('ScannersApi', 'scanners', 512, 10),
      settings: api('SettingsApi', 'settings', 512, 10),
      lists: api('ListsApi', 'lists', 1769, 29),
      imports: api('ImportsApi', 'imports', 512, 10),
      history: api('HistoryApi', 'history', 1769, 29),
      credentials: api('CredentialsApi', 'credentials', 1024, 29),
      rollouts: api('RolloutsApi', 'rollouts', 1769, 29),
      meta: api('MetaApi', 'meta', 256, 10, ['docs/openapi.json']),
    };
    this.bindApi(functions, storage);
    return functions;
  }

  private bindApi(functions: Record<Resource, ControlPlaneFunction>, storage: Storage): void {
    const { table, bucket } = storage;
    const texts = [prefixes.chunks, prefixes.manifests];
    bindTable(functions.scanners, table, {
      get: [rows.scanner, rows.answer],
      batchGet: [rows.scanner],
      list: [lists.scanners, lists.decommissioned, lists.standings],
      update: [rows.scanner],
      commit: { put: [rows.scanner, rows.answer], update: [rows.artifact], delete: [rows.artifact] },
    });
    bindTable(functions.settings, table, {
      get: [rows.scanner],
      batchGet: [rows.scanner, rows.artifact],
      commit: {
        put: [rows.scanner, rows.artifact],
        update: [rows.scanner, rows.artifact],
        delete: [rows.artifact],
        check: [rows.artifact],
      },
    });
    bindTable(functions.lists, table, {
      get: [rows.scanner, rows.answer],
      batchGet: [rows.scanner],
      put: [rows.derived],
      commit: { put: [rows.scanner, rows.answer], update: [rows.scanner] },
    });
    bindTable(functions.imports, table, {
      get: [rows.scanner, rows.import, rows.answer],
      list: [lists.imports],
      commit: { put: [rows.scanner, rows.import, rows.answer], update: [rows.import] },
    });
    bindTable(functions.history, table, {
      get: [rows.scanner, rows.answer],
      batchGet: [rows.scanner, rows.artifact],
      query: [rows.scanner],
      list: [lists.audit],
      commit: {
        put: [rows.scanner, rows.artifact, rows.answer],
        update: [rows.scanner, rows.artifact],
        delete: [rows.artifact],
        check: [rows.scanner, rows.artifact],
      },
    });
    bindTable(functions.credentials, table, {
      get: [rows.artifact, rows.certificateName, rows.answer],
      query: [rows.artifact],
      list: [lists.certificates],
      put: [rows.artifact],
      commit: {
        put: [rows.certificateName, rows.answer],
        delete: [rows.artifact, rows.certificateName],
        check: [rows.artifact],
      },
    });
    bindTable(functions.rollouts, table, {
      get: [rows.scanner, rows.rollout, rows.answer],
      batchGet: [rows.scanner, rows.artifact, rows.rollout],
      query: [rows.rollout],
      list: [lists.rollouts, lists.standings],
      update: [rows.rollout],
      commit: { put: [rows.rollout, rows.answer], check: [rows.scanner, rows.rollout] },
    });
    for (const resource of [
      'scanners',
      'settings',
      'lists',
      'imports',
      'history',
      'credentials',
      'rollouts',
    ] as const)
      bindHistory(functions[resource], storage);
    bindObjects(functions.scanners, bucket, { put: [prefixes.manifests] });
    bindObjects(functions.settings, bucket, { get: [prefixes.manifests], put: [prefixes.artifacts] });
    bindObjects(functions.lists, bucket, { get: [...texts, prefixes.derived], put: texts });
    bindObjects(functions.history, bucket, { get: texts, put: [prefixes.artifacts] });
    bindObjects(functions.credentials, bucket, { get: [prefixes.secrets], put: [prefixes.secrets] });
    bindObjects(functions.rollouts, bucket, { get: texts });
    bindObjects(functions.imports, bucket, { get: [prefixes.reports], put: [prefixes.uploads] });
  }
}
