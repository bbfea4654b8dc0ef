import { accessDenied, notImplemented } from './api-error.ts';
import type { Arns } from './arns.ts';
import * as certificates from './certificate-operations.ts';
import type { ControlPlaneParts, Operation } from './control-request.ts';
import { type ApiRequest, type ApiRoute, jsonBody } from './http-api.ts';
import * as things from './thing-operations.ts';

const describeEndpoint: Operation = ({ broker }, { query }) => {
  const type = query.get('endpointType');
  if (type !== 'iot:Data-ATS') throw notImplemented(`the endpoint type ${type ?? 'iot:Data'}`);
  return { endpointAddress: `127.0.0.1:${broker.port}` };
};

/** ARNs of what a request is about. */
type Resources = (request: ApiRequest, arns: Arns) => string[];

const named =
  (kind: string, name: string): Resources =>
  ({ params }, arns) => [arns.of(kind, params[name] ?? '')];

const thing = named('thing', 'thingName');
const thingType = named('thingtype', 'thingTypeName');
const certificate = named('cert', 'certificateId');
const policy = named('policy', 'policyName');
const any: Resources = () => ['*'];

/** The thing, and the type that it is to have. */
const typedThing: Resources = (request, arns) => {
  const type = jsonBody(request)['thingTypeName'];
  return [...thing(request, arns), ...(typeof type === 'string' ? [arns.of('thingtype', type)] : [])];
};

/** The thing and the certificate: the reference of the service names no resource for these two actions, so both are asked for. */
const thingAndPrincipal: Resources = (request, arns) => [
  ...thing(request, arns),
  ...[request.headers['x-amzn-principal'] ?? []].flat(),
];

/** The reference names the target alone; the policy is asked for, too, as it may well be. */
const targetAndPolicy: Resources = (request, arns) => [...target(request, arns), ...policy(request, arns)];

const target: Resources = (request) => [String(jsonBody(request)['target'])];

/** Method, path, operation, the action that it takes leave for and of what, as the service model and the service authorization reference of AWS IoT have them. */
const operations: [method: string, path: string, operation: Operation, action: string, of: Resources][] = [
  ['POST', '/things/{thingName}', things.createThing, 'CreateThing', typedThing],
  ['GET', '/things/{thingName}', things.describeThing, 'DescribeThing', thing],
  ['PATCH', '/things/{thingName}', things.updateThing, 'UpdateThing', typedThing],
  ['DELETE', '/things/{thingName}', things.deleteThing, 'DeleteThing', thing],
  ['GET', '/things', things.listThings, 'ListThings', any],
  ['POST', '/thing-types/{thingTypeName}', things.createThingType, 'CreateThingType', thingType],
  ['GET', '/thing-types/{thingTypeName}', things.describeThingType, 'DescribeThingType', thingType],
  ['GET', '/things/{thingName}/principals', things.listThingPrincipals, 'ListThingPrincipals', thing],
  [
    'PUT',
    '/things/{thingName}/principals',
    things.attachThingPrincipal,
    'AttachThingPrincipal',
    thingAndPrincipal,
  ],
  [
    'DELETE',
    '/things/{thingName}/principals',
    things.detachThingPrincipal,
    'DetachThingPrincipal',
    thingAndPrincipal,
  ],
  ['POST', '/certificates', certificates.createCertificateFromCsr, 'CreateCertificateFromCsr', any],
  [
    'GET',
    '/certificates/{certificateId}',
    certificates.describeCertificate,
    'DescribeCertificate',
    certificate,
  ],
  ['PUT', '/certificates/{certificateId}', certificates.updateCertificate, 'UpdateCertificate', certificate],
  [
    'DELETE',
    '/certificates/{certificateId}',
    certificates.deleteCertificate,
    'DeleteCertificate',
    certificate,
  ],
  ['PUT', '/target-policies/{policyName}', certificates.attachPolicy, 'AttachPolicy', targetAndPolicy],
  ['POST', '/target-policies/{policyName}', certificates.detachPolicy, 'DetachPolicy', target],
  ['POST', '/attached-policies/{target}', certificates.listAttachedPolicies, 'ListAttachedPolicies', any],
  ['POST', '/policy-targets/{policyName}', certificates.listTargetsForPolicy, 'ListTargetsForPolicy', policy],
  ['GET', '/endpoint', describeEndpoint, 'DescribeEndpoint', any],
];

/** The operations of the AWS IoT control plane that the embedded stack has. */
export const controlPlane = (parts: ControlPlaneParts): ApiRoute[] =>
  operations.map(([method, path, operation, action, resources]) => ({
    method,
    path,
    services: ['iot'],
    wanted: (request) =>
      resources(request, parts.arns).map((resource) => ({ action: `iot:${action}`, resource })),
    denied: accessDenied,
    handle: (request) => operation(parts, request),
  }));
