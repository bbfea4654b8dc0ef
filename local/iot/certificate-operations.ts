import { deleteConflict, invalidRequest, resourceNotFound } from './api-error.ts';
import type { Arns } from './arns.ts';
import { type Authority, CsrError, type IssuedCertificate } from './authority.ts';
import type { BrokerAccess } from './broker-access.ts';
import { type CertificateRecord, readStatus } from './certificates.ts';
import { type Operation, optionalText, pageOfNames, param } from './control-request.ts';
import { type ApiRequest, jsonBody } from './http-api.ts';
import type { JsonObject } from './json.ts';

/** Longest request that CreateCertificateFromCsr takes, in characters. */
const maxCsrLength = 4096;

const issue = async (authority: Authority, csr: string): Promise<IssuedCertificate> => {
  try {
    return await authority.issue(csr);
  } catch (error) {
    throw error instanceof CsrError ? invalidRequest(error.message) : error;
  }
};

export const createCertificateFromCsr: Operation = async ({ authority, certificates, arns }, request) => {
  const csr = optionalText(jsonBody(request), 'certificateSigningRequest') ?? '';
  if (csr === '' || csr.length > maxCsrLength)
    throw invalidRequest(`certificateSigningRequest must have 1 to ${maxCsrLength} characters`);
  const status = request.query.get('setAsActive') === 'true' ? 'ACTIVE' : 'INACTIVE';
  const { id, pem } = certificates.register(await issue(authority, csr), status);
  return { certificateArn: arns.of('cert', id), certificateId: id, certificatePem: pem };
};

const descriptionOf = (record: CertificateRecord, arns: Arns): JsonObject => ({
  certificateArn: arns.of('cert', record.id),
  certificateId: record.id,
  status: record.status,
  certificatePem: record.pem,
  creationDate: record.createdAt / 1000,
  lastModifiedDate: record.changedAt / 1000,
  customerVersion: 1,
  certificateMode: 'DEFAULT',
  validity: { notBefore: record.notBefore / 1000, notAfter: record.notAfter / 1000 },
});

export const describeCertificate: Operation = ({ certificates, arns }, request) => ({
  certificateDescription: descriptionOf(certificates.require(param(request, 'certificateId')), arns),
});

/** Takes effect at once: the real service disconnects "within a few minutes". */
export const updateCertificate: Operation = ({ certificates, broker }, request) => {
  const id = param(request, 'certificateId');
  const status = readStatus(request.query.get('newStatus') ?? undefined);
  certificates.setStatus(id, status);
  if (status !== 'ACTIVE') broker.disconnectCertificate(id);
  return {};
};

export const deleteCertificate: Operation = ({ state, principals, certificates, access }, request) => {
  const id = param(request, 'certificateId');
  state.transaction(() => {
    certificates.delete(id, request.query.get('forceDelete') === 'true');
    if (principals.thingsOf(id).length > 0) throw deleteConflict('Things must be detached before deletion');
  });
  access.forget();
  return {};
};

const policyOf = (access: BrokerAccess, request: ApiRequest): string => {
  const name = param(request, 'policyName');
  if (!access.hasPolicy(name)) throw resourceNotFound(`Policy ${name} does not exist`);
  return name;
};

export const attachPolicy: Operation = ({ access, certificates, arns }, request) => {
  const target = arns.certificateId(optionalText(jsonBody(request), 'target'));
  certificates.attachPolicy(policyOf(access, request), target);
  access.forget();
  return {};
};

export const detachPolicy: Operation = ({ access, certificates, arns }, request) => {
  const target = arns.certificateId(optionalText(jsonBody(request), 'target'));
  certificates.detachPolicy(param(request, 'policyName'), target);
  access.forget();
  return {};
};

const paging = { token: 'marker', size: 'pageSize' };

export const listAttachedPolicies: Operation = ({ certificates, arns }, request) => {
  const { id } = certificates.require(arns.certificateId(param(request, 'target')));
  const { items, next } = pageOfNames(request, paging, certificates.policiesOf(id));
  const policies = items.map((policyName) => ({ policyName, policyArn: arns.of('policy', policyName) }));
  return { policies, ...(next !== undefined && { nextMarker: next }) };
};

export const listTargetsForPolicy: Operation = ({ access, certificates, arns }, request) => {
  const names = certificates.certificatesWith(policyOf(access, request));
  const { items, next } = pageOfNames(request, paging, names);
  return {
    targets: items.map((id) => arns.of('cert', id)),
    ...(next !== undefined && { nextMarker: next }),
  };
};
