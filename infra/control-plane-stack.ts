import { CfnOutput, CfnParameter, Duration, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { Resource } from '../shared/operations/define.ts';
import { prefixes } from '../shared/tables.ts';
import { Api } from './api.ts';
import { bindCommits, bindDue, bindObjects, bindRegistry, bindTable, type Paces } from './bind.ts';
import { reserveConcurrency } from './concurrency.ts';
import { Fleet } from './fleet.ts';
import { ControlPlaneFunction } from './functions.ts';
import { Storage } from './storage.ts';
import { importTimeout, Workers } from './workers.ts';

/** The whole control plane. What only a deployment knows comes as parameters of the template. */
export class ControlPlaneStack extends Stack {
  constructor(scope: Construct, id: string, props?: StackProps) {
    super(scope, id, props);
    const parameters = this.parameters();
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
    reserveConcurrency(workers, this.node.tryGetContext('reserveConcurrency') !== 'false');
    const fleet = new Fleet(this, 'Fleet');
    fleet.addRules(workers);
    const functions = this.apiFunctions(storage);
    bindDue(functions.scanners, paces);
    bindRegistry(functions.scanners, {
      policyName: fleet.policy.ref,
      thingTypeName: fleet.thingType.ref,
      serverAuthorities: parameters.serverAuthorities.valueAsString,
    });
    new Api(this, 'Api', {
      issuer: parameters.issuer.valueAsString,
      audience: parameters.audience.valueAsString,
      functions,
    });
    new CfnOutput(this, 'TableName', { value: storage.table.tableName });
    new CfnOutput(this, 'BucketName', { value: storage.bucket.bucketName });
    new CfnOutput(this, 'DeadLetterQueueUrl', { value: storage.deadLetters.queueUrl });
    new CfnOutput(this, 'DeadRecordBucketName', { value: storage.deadRecords.bucketName });
  }

  private parameters() {
    const rate = (id: string, description: string, standard: string) =>
      new CfnParameter(this, id, {
        description,
        allowedPattern: '^[1-9][0-9]{0,5}$',
        default: standard,
      });
    return {
      issuer: new CfnParameter(this, 'Issuer', {
        description: 'URL of the OIDC issuer of access tokens (RS256)',
        allowedPattern: '^https?://.+$',
      }),
      audience: new CfnParameter(this, 'Audience', {
        description: 'Audience or client id of the access tokens',
        minLength: 1,
      }),
      historyDays: new CfnParameter(this, 'HistoryDays', {
        description:
          'Days that a superseded revision and an audit record are kept; 0: for ever. What is in force is never deleted.',
        allowedPattern: '^(0|[1-9][0-9]{0,4})$',
        default: '0',
      }),
      shadowRate: rate(
        'ShadowRate',
        'Requests a second to the shadow service that are the control plane’s; the account’s quota is 400 or 4,000, by region, and Scanners need as much again',
        '200',
      ),
      thingRate: rate(
        'ThingRate',
        'Requests a second to the shadows of one thing; AWS IoT’s quota is 20',
        '20',
      ),
      rolloutRate: rate(
        'RolloutRate',
        'Commits a second of all rollouts together; each costs about ten requests to the shadow service',
        '10',
      ),
      reconcileMinutes: rate(
        'ReconcileMinutes',
        'Minutes after which a Scanner that nothing happened to is looked at again',
        '60',
      ),
      serverAuthorities: new CfnParameter(this, 'MqttServerCa', {
        description: 'Certificates, in PEM, by which Scanners know the MQTT endpoint; empty: those of Amazon',
        default: '',
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
    const lists = [prefixes.chunks, prefixes.manifests];
    for (const resource of [
      'scanners',
      'settings',
      'lists',
      'imports',
      'history',
      'credentials',
      'rollouts',
    ] as const)
      bindCommits(functions[resource], storage);
    for (const resource of ['scanners', 'imports', 'history', 'credentials', 'rollouts'] as const)
      bindTable(functions[resource], table, ['query']);
    bindObjects(functions.scanners, bucket, { put: [prefixes.manifests] });
    bindObjects(functions.settings, bucket, { get: [prefixes.manifests], put: [prefixes.artifacts] });
    bindObjects(functions.lists, bucket, { get: [...lists, prefixes.derived], put: lists });
    bindObjects(functions.history, bucket, { get: lists, put: [prefixes.artifacts] });
    bindObjects(functions.credentials, bucket, { get: [prefixes.secrets], put: [prefixes.secrets] });
    bindObjects(functions.rollouts, bucket, { get: lists });
    bindObjects(functions.imports, bucket, { get: [prefixes.reports], put: [prefixes.uploads] });
  }
}
