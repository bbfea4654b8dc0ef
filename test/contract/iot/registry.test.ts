import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  AttachPolicyCommand,
  AttachThingPrincipalCommand,
  CreateCertificateFromCsrCommand,
  CreateThingCommand,
  CreateThingTypeCommand,
  DeleteCertificateCommand,
  DeleteThingCommand,
  DescribeCertificateCommand,
  DescribeEndpointCommand,
  DescribeThingCommand,
  DescribeThingTypeCommand,
  DetachPolicyCommand,
  DetachThingPrincipalCommand,
  ListAttachedPoliciesCommand,
  ListCertificatesCommand,
  ListTargetsForPolicyCommand,
  ListThingPrincipalsCommand,
  ListThingsCommand,
  UpdateCertificateCommand,
  UpdateThingCommand,
} from '@aws-sdk/client-iot';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accountId, type Embedded, enrol, makeCsr, region, startEmbedded } from './embedded.ts';

let stack: Embedded;
beforeAll(async () => {
  stack = await startEmbedded();
});
afterAll(() => stack.stop());

const named = (name: string) => expect.objectContaining({ name });
const arn = (resource: string) => `arn:aws:iot:${region}:${accountId}:${resource}`;

describe('things', () => {
  it('creating one again with the same configuration gives the same thing', async () => {
    const input = {
      thingName: 'same',
      thingTypeName: 'scanner',
      attributePayload: { attributes: { site: 'lyon' } },
    };
    const first = await stack.iot.send(new CreateThingCommand(input));
    const second = await stack.iot.send(new CreateThingCommand(input));
    expect(second.thingId).toBe(first.thingId);
    expect(first.thingArn).toBe(arn('thing/same'));
  });

  it('creating one again with another configuration is refused', async () => {
    await stack.iot.send(new CreateThingCommand({ thingName: 'taken' }));
    const other = new CreateThingCommand({ thingName: 'taken', thingTypeName: 'scanner' });
    await expect(stack.iot.send(other)).rejects.toMatchObject({
      name: 'ResourceAlreadyExistsException',
      resourceArn: arn('thing/taken'),
    });
  });

  it.each(['a.b', 'a b', 'é', 'x'.repeat(129)])('the name %s is refused', async (thingName) => {
    await expect(stack.iot.send(new CreateThingCommand({ thingName }))).rejects.toEqual(
      named('InvalidRequestException'),
    );
  });

  it('a thing of a type that does not exist is refused', async () => {
    const input = { thingName: 'typed', thingTypeName: 'nothing' };
    await expect(stack.iot.send(new CreateThingCommand(input))).rejects.toEqual(
      named('ResourceNotFoundException'),
    );
  });

  it.each([
    ['four attributes without a type', { a: '1', b: '1', c: '1', d: '1' }],
    ['a value with a space', { a: 'b c' }],
    ['a name with a space', { 'a b': 'c' }],
  ])('%s are refused', async (_, attributes) => {
    const input = { thingName: 'attributes', attributePayload: { attributes } };
    await expect(stack.iot.send(new CreateThingCommand(input))).rejects.toEqual(
      named('InvalidRequestException'),
    );
  });

  it('an update replaces attributes, or merges them, and counts', async () => {
    const thingName = 'updated';
    await stack.iot.send(
      new CreateThingCommand({ thingName, attributePayload: { attributes: { a: '1', b: '2' } } }),
    );
    await stack.iot.send(
      new UpdateThingCommand({ thingName, attributePayload: { attributes: { b: '', c: '3' }, merge: true } }),
    );
    const merged = await stack.iot.send(new DescribeThingCommand({ thingName }));
    expect(merged).toMatchObject({ attributes: { a: '1', c: '3' }, version: 2, defaultClientId: thingName });
    await stack.iot.send(new UpdateThingCommand({ thingName, attributePayload: { attributes: { d: '4' } } }));
    expect((await stack.iot.send(new DescribeThingCommand({ thingName }))).attributes).toEqual({ d: '4' });
  });

  it('an update or delete for another version is refused', async () => {
    const thingName = 'versioned';
    await stack.iot.send(new CreateThingCommand({ thingName }));
    const conflict = named('VersionConflictException');
    await expect(stack.iot.send(new UpdateThingCommand({ thingName, expectedVersion: 2 }))).rejects.toEqual(
      conflict,
    );
    await expect(stack.iot.send(new DeleteThingCommand({ thingName, expectedVersion: 2 }))).rejects.toEqual(
      conflict,
    );
  });

  it('an unknown thing cannot be described or updated, but deleted', async () => {
    const thingName = 'unknown';
    const missing = named('ResourceNotFoundException');
    await expect(stack.iot.send(new DescribeThingCommand({ thingName }))).rejects.toEqual(missing);
    await expect(stack.iot.send(new UpdateThingCommand({ thingName }))).rejects.toEqual(missing);
    await expect(stack.iot.send(new ListThingPrincipalsCommand({ thingName }))).rejects.toEqual(missing);
    await stack.iot.send(new DeleteThingCommand({ thingName }));
  });

  it('are listed page by page', async () => {
    for (const thingName of ['list-1', 'list-2', 'list-3'])
      await stack.iot.send(new CreateThingCommand({ thingName, thingTypeName: 'scanner' }));
    const names: (string | undefined)[] = [];
    let nextToken: string | undefined;
    do {
      const page = await stack.iot.send(
        new ListThingsCommand({ thingTypeName: 'scanner', maxResults: 2, ...(nextToken && { nextToken }) }),
      );
      expect(page.things?.length).toBeLessThanOrEqual(2);
      names.push(...(page.things ?? []).map((thing) => thing.thingName));
      nextToken = page.nextToken;
    } while (nextToken);
    expect(names.filter((name) => name?.startsWith('list-'))).toEqual(['list-1', 'list-2', 'list-3']);
    expect(new Set(names).size).toBe(names.length);
  });

  it('have types, which the stack declares or a call makes', async () => {
    const declared = await stack.iot.send(new DescribeThingTypeCommand({ thingTypeName: 'scanner' }));
    expect(declared.thingTypeArn).toBe(arn('thingtype/scanner'));
    await stack.iot.send(new CreateThingTypeCommand({ thingTypeName: 'made' }));
    const made = await stack.iot.send(new DescribeThingTypeCommand({ thingTypeName: 'made' }));
    expect(made.thingTypeMetadata?.creationDate).toBeInstanceOf(Date);
    await expect(stack.iot.send(new DescribeThingTypeCommand({ thingTypeName: 'nothing' }))).rejects.toEqual(
      named('ResourceNotFoundException'),
    );
  });
});

describe('certificates', () => {
  const create = (certificateSigningRequest: string, setAsActive = true) =>
    stack.iot.send(new CreateCertificateFromCsrCommand({ certificateSigningRequest, setAsActive }));

  it.each([
    ['EC P-256', { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }],
    ['EC P-384', { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' }],
    [
      'RSA 2048',
      {
        name: 'RSASSA-PKCS1-v1_5',
        modulusLength: 2048,
        publicExponent: new Uint8Array([1, 0, 1]),
        hash: 'SHA-256',
      },
    ],
  ])('are issued for %s keys by the local authority', async (_, algorithm) => {
    const { csr } = await makeCsr(algorithm);
    const made = await create(csr);
    const certificate = new X509Certificate(made.certificatePem ?? '');
    const authority = new X509Certificate(readFileSync(stack.caPath));
    expect(certificate.verify(authority.publicKey)).toBe(true);
    expect(certificate.checkIssued(authority)).toBe(true);
    expect(certificate.ca).toBe(false);
    expect(made.certificateId).toBe(createHash('sha256').update(certificate.raw).digest('hex'));
    expect(made.certificateArn).toBe(arn(`cert/${made.certificateId}`));
  });

  it('of the same request twice are two', async () => {
    const { csr } = await makeCsr();
    const [first, second] = [await create(csr), await create(csr)];
    expect(first.certificateId).not.toBe(second.certificateId);
  });

  it('are inactive unless asked for as active', async () => {
    const { csr } = await makeCsr();
    const { certificateId } = await create(csr, false);
    const { certificateDescription } = await stack.iot.send(
      new DescribeCertificateCommand({ certificateId }),
    );
    expect(certificateDescription).toMatchObject({ status: 'INACTIVE', certificateId });
    expect(certificateDescription?.validity?.notAfter?.getUTCFullYear()).toBe(2049);
  });

  const badCsrs = async (): Promise<[string, string][]> => {
    const { csr } = await makeCsr();
    const weak = {
      name: 'RSASSA-PKCS1-v1_5',
      modulusLength: 1024,
      publicExponent: new Uint8Array([1, 0, 1]),
    };
    const lines = csr.trim().split('\n');
    // the last bytes of a request are its signature
    const broken = lines.with(-2, [...(lines.at(-2) ?? '')].reverse().join('')).join('\n');
    return [
      ['text', 'please'],
      ['a certificate', readFileSync(stack.caPath, 'utf8')],
      ['a request cut short', lines.toSpliced(2, 1).join('\n')],
      ['a request whose signature is wrong', broken],
      ['a key of 1024 bits', (await makeCsr({ ...weak, hash: 'SHA-256' })).csr],
      ['more than 4096 characters', csr.padEnd(4097, '\n')],
    ];
  };

  it('are refused for what is no good request', async () => {
    for (const [what, csr] of await badCsrs())
      await expect(create(csr), what).rejects.toEqual(named('InvalidRequestException'));
  });

  it('are deleted only when inactive and attached to nothing', async () => {
    const device = await enrol(stack.iot, 'deleting');
    const { certificateId, certificateArn } = device;
    const remove = (forceDelete = false) =>
      stack.iot.send(new DeleteCertificateCommand({ certificateId, forceDelete }));
    await expect(remove()).rejects.toEqual(named('CertificateStateException'));
    await stack.iot.send(new UpdateCertificateCommand({ certificateId, newStatus: 'INACTIVE' }));
    await expect(remove(true)).rejects.toEqual(named('DeleteConflictException'));
    await stack.iot.send(
      new DetachThingPrincipalCommand({ thingName: 'deleting', principal: certificateArn }),
    );
    await expect(remove()).rejects.toEqual(named('DeleteConflictException'));
    await remove(true);
    await expect(stack.iot.send(new DescribeCertificateCommand({ certificateId }))).rejects.toEqual(
      named('ResourceNotFoundException'),
    );
  });

  it.each(['PENDING_TRANSFER', 'REGISTER_INACTIVE'] as const)('do not become %s', async (newStatus) => {
    const { certificateId } = await enrol(stack.iot, 'status');
    await expect(stack.iot.send(new UpdateCertificateCommand({ certificateId, newStatus }))).rejects.toEqual(
      named('InvalidRequestException'),
    );
  });

  it('hold a thing that they are attached to', async () => {
    const { certificateArn } = await enrol(stack.iot, 'held');
    const principals = await stack.iot.send(new ListThingPrincipalsCommand({ thingName: 'held' }));
    expect(principals.principals).toEqual([certificateArn]);
    await expect(stack.iot.send(new DeleteThingCommand({ thingName: 'held' }))).rejects.toEqual(
      named('InvalidRequestException'),
    );
  });
});

describe('policies', () => {
  it('are attached, listed both ways and detached, each as often as one likes', async () => {
    const { certificateArn: target } = await enrol(stack.iot, 'policies');
    await stack.iot.send(new AttachPolicyCommand({ policyName: 'open', target }));
    await stack.iot.send(new AttachPolicyCommand({ policyName: 'open', target }));
    const attached = await stack.iot.send(new ListAttachedPoliciesCommand({ target }));
    expect(attached.policies).toEqual([
      { policyName: 'open', policyArn: arn('policy/open') },
      { policyName: 'scanner', policyArn: arn('policy/scanner') },
    ]);
    const targets = await stack.iot.send(new ListTargetsForPolicyCommand({ policyName: 'open' }));
    expect(targets.targets).toEqual([target]);
    await stack.iot.send(new DetachPolicyCommand({ policyName: 'open', target }));
    await stack.iot.send(new DetachPolicyCommand({ policyName: 'open', target }));
    expect((await stack.iot.send(new ListTargetsForPolicyCommand({ policyName: 'open' }))).targets).toEqual(
      [],
    );
  });

  it('that the stack does not declare, and certificates that do not exist, are refused', async () => {
    const { certificateArn: target } = await enrol(stack.iot, 'policies-2');
    const nobody = arn(`cert/${'0'.repeat(64)}`);
    const attach = (policyName: string, to: string) =>
      stack.iot.send(new AttachPolicyCommand({ policyName, target: to }));
    await expect(attach('nothing', target)).rejects.toEqual(named('ResourceNotFoundException'));
    await expect(attach('open', nobody)).rejects.toEqual(named('ResourceNotFoundException'));
    await expect(attach('open', arn('thinggroup/all'))).rejects.toEqual(named('InvalidRequestException'));
    await expect(attach('open', 'mx1')).rejects.toEqual(named('InvalidRequestException'));
    const principal = { thingName: 'policies-2', principal: nobody };
    await expect(stack.iot.send(new AttachThingPrincipalCommand(principal))).rejects.toEqual(
      named('ResourceNotFoundException'),
    );
  });
});

describe('the control plane', () => {
  it('names the broker, with its port', async () => {
    const { endpointAddress } = await stack.iot.send(
      new DescribeEndpointCommand({ endpointType: 'iot:Data-ATS' }),
    );
    expect(endpointAddress).toBe(`127.0.0.1:${stack.mqtt.port}`);
  });

  it('answers 501 to what it does not do, and says what', async () => {
    const notImplemented = (message: RegExp) =>
      expect.objectContaining({
        name: 'NotImplementedException',
        $metadata: expect.objectContaining({ httpStatusCode: 501 }),
        message: expect.stringMatching(message),
      });
    await expect(stack.iot.send(new ListCertificatesCommand({}))).rejects.toEqual(
      notImplemented(/GET \/certificates/),
    );
    await expect(stack.iot.send(new DescribeEndpointCommand({ endpointType: 'iot:Jobs' }))).rejects.toEqual(
      notImplemented(/iot:Jobs/),
    );
    const { certificateArn: principal } = await enrol(stack.iot, 'exclusive', { attach: false });
    const exclusive = { thingName: 'exclusive', principal, thingPrincipalType: 'EXCLUSIVE_THING' } as const;
    await expect(stack.iot.send(new AttachThingPrincipalCommand(exclusive))).rejects.toEqual(
      notImplemented(/EXCLUSIVE_THING/),
    );
  });
});
