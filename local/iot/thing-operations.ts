import { invalidRequest, notImplemented } from './api-error.ts';
import type { Arns } from './arns.ts';
import {
  attributesOf,
  expectedVersion,
  type Operation,
  optionalText,
  pageOf,
  pageOfNames,
  param,
  rejectMembers,
} from './control-request.ts';
import { jsonBody } from './http-api.ts';
import { isObject, type JsonObject } from './json.ts';
import type { Thing } from './things.ts';

export const createThing: Operation = ({ things, arns }, request) => {
  const name = param(request, 'thingName');
  const body = jsonBody(request);
  rejectMembers(body, ['billingGroupName']);
  const typeName = optionalText(body, 'thingTypeName');
  const { attributes } = attributesOf(body);
  const input = { ...(typeName !== undefined && { typeName }), ...(attributes && { attributes }) };
  const thing = things.create(name, input, arns.of('thing', name));
  return { thingName: name, thingArn: arns.of('thing', name), thingId: thing.id };
};

export const describeThing: Operation = ({ things, arns }, request) => {
  const thing = things.require(param(request, 'thingName'));
  return { ...attributeView(thing, arns), defaultClientId: thing.name, thingId: thing.id };
};

const attributeView = (thing: Thing, arns: Arns): JsonObject => ({
  thingName: thing.name,
  thingArn: arns.of('thing', thing.name),
  ...(thing.typeName !== undefined && { thingTypeName: thing.typeName }),
  attributes: thing.attributes,
  version: thing.version,
});

export const updateThing: Operation = ({ things, access }, request) => {
  const body = jsonBody(request);
  const typeName = optionalText(body, 'thingTypeName');
  const version = expectedVersion(body['expectedVersion']);
  things.update(param(request, 'thingName'), {
    ...(typeName !== undefined && { typeName }),
    ...attributesOf(body),
    removeType: body['removeThingType'] === true,
    ...(version !== undefined && { expectedVersion: version }),
  });
  access.forget();
  return {};
};

export const deleteThing: Operation = ({ things, access }, request) => {
  things.delete(param(request, 'thingName'), expectedVersion(request.query.get('expectedVersion')));
  access.forget();
  return {};
};

export const listThings: Operation = ({ things, arns }, request) => {
  for (const name of ['attributeName', 'attributeValue', 'usePrefixAttributeValue'])
    if (request.query.has(name)) throw notImplemented(`ListThings by ${name}`);
  const typeName = request.query.get('thingTypeName') ?? undefined;
  const { items, next } = pageOf(
    request,
    { token: 'nextToken', size: 'maxResults' },
    (after, limit) => things.list(after, limit, typeName),
    (thing) => thing.name,
  );
  return {
    things: items.map((thing) => attributeView(thing, arns)),
    ...(next !== undefined && { nextToken: next }),
  };
};

export const createThingType: Operation = ({ types, arns }, request) => {
  const name = param(request, 'thingTypeName');
  const body = jsonBody(request);
  rejectMembers(body, ['tags']);
  const properties = body['thingTypeProperties'] ?? {};
  if (!isObject(properties)) throw invalidRequest('thingTypeProperties must be an object');
  const type = types.create(name, properties, arns.of('thingtype', name));
  return { thingTypeName: name, thingTypeArn: arns.of('thingtype', name), thingTypeId: type.id };
};

export const describeThingType: Operation = ({ types, arns }, request) => {
  const type = types.require(param(request, 'thingTypeName'));
  return {
    thingTypeName: type.name,
    thingTypeId: type.id,
    thingTypeArn: arns.of('thingtype', type.name),
    thingTypeProperties: type.properties as JsonObject,
    thingTypeMetadata: { deprecated: false, creationDate: type.createdAt / 1000 },
  };
};

const principalOf = (request: { headers: NodeJS.Dict<string | string[]> }): string | undefined => {
  const value = request.headers['x-amzn-principal'];
  return Array.isArray(value) ? value[0] : value;
};

export const attachThingPrincipal: Operation = (
  { things, principals, certificates, arns, access },
  request,
) => {
  const type = request.query.get('thingPrincipalType') ?? 'NON_EXCLUSIVE_THING';
  if (type !== 'NON_EXCLUSIVE_THING') throw notImplemented(`thingPrincipalType ${type}`);
  const { id } = certificates.require(arns.certificateId(principalOf(request)));
  principals.attach(things.require(param(request, 'thingName')).name, id);
  access.forget();
  return {};
};

export const detachThingPrincipal: Operation = (
  { things, principals, certificates, arns, access },
  request,
) => {
  const { id } = certificates.require(arns.certificateId(principalOf(request)));
  principals.detach(things.require(param(request, 'thingName')).name, id);
  access.forget();
  return {};
};

export const listThingPrincipals: Operation = ({ things, principals, arns }, request) => {
  const { name } = things.require(param(request, 'thingName'));
  const paging = { token: 'nextToken', size: 'maxResults' };
  const { items, next } = pageOfNames(request, paging, principals.certificatesOf(name));
  return {
    principals: items.map((id) => arns.of('cert', id)),
    ...(next !== undefined && { nextToken: next }),
  };
};
