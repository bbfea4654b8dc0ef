import { notImplemented } from './api-error.ts';
import * as certificates from './certificate-operations.ts';
import type { ControlPlaneParts, Operation } from './control-request.ts';
import type { ApiRoute } from './http-api.ts';
import * as things from './thing-operations.ts';

const describeEndpoint: Operation = ({ broker }, { query }) => {
  const type = query.get('endpointType');
  if (type !== 'iot:Data-ATS') throw notImplemented(`the endpoint type ${type ?? 'iot:Data'}`);
  return { endpointAddress: `127.0.0.1:${broker.port}` };
};

/** Method, path and operation, as the service model of AWS IoT has them. */
const operations: [method: string, path: string, operation: Operation][] = [
  ['POST', '/things/{thingName}', things.createThing],
  ['GET', '/things/{thingName}', things.describeThing],
  ['PATCH', '/things/{thingName}', things.updateThing],
  ['DELETE', '/things/{thingName}', things.deleteThing],
  ['GET', '/things', things.listThings],
  ['POST', '/thing-types/{thingTypeName}', things.createThingType],
  ['GET', '/thing-types/{thingTypeName}', things.describeThingType],
  ['GET', '/things/{thingName}/principals', things.listThingPrincipals],
  ['PUT', '/things/{thingName}/principals', things.attachThingPrincipal],
  ['DELETE', '/things/{thingName}/principals', things.detachThingPrincipal],
  ['POST', '/certificates', certificates.createCertificateFromCsr],
  ['GET', '/certificates/{certificateId}', certificates.describeCertificate],
  ['PUT', '/certificates/{certificateId}', certificates.updateCertificate],
  ['DELETE', '/certificates/{certificateId}', certificates.deleteCertificate],
  ['PUT', '/target-policies/{policyName}', certificates.attachPolicy],
  ['POST', '/target-policies/{policyName}', certificates.detachPolicy],
  ['POST', '/attached-policies/{target}', certificates.listAttachedPolicies],
  ['POST', '/policy-targets/{policyName}', certificates.listTargetsForPolicy],
  ['GET', '/endpoint', describeEndpoint],
];

/** The operations of the AWS IoT control plane that the embedded stack has. */
export const controlPlane = (parts: ControlPlaneParts): ApiRoute[] =>
  operations.map(([method, path, operation]) => ({
    method,
    path,
    services: ['iot'],
    handle: (request) => operation(parts, request),
  }));
