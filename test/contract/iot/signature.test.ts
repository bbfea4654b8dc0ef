import { DescribeEndpointCommand, IoTClient } from '@aws-sdk/client-iot';
import {
  GetThingShadowCommand,
  IoTDataPlaneClient,
  ListNamedShadowsForThingCommand,
  UpdateThingShadowCommand,
} from '@aws-sdk/client-iot-data-plane';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clientOptions, credentials, type Embedded, startEmbedded } from './embedded.ts';

let stack: Embedded;
beforeAll(async () => {
  stack = await startEmbedded();
});
afterAll(() => stack.stop());

const attempt = async (options: object) => {
  const data = new IoTDataPlaneClient({ ...clientOptions(stack.dataUrl), ...options });
  try {
    return await data.send(new ListNamedShadowsForThingCommand({ thingName: 'mx1' }));
  } finally {
    data.destroy();
  }
};

describe('a request', () => {
  it('of the stack is answered', async () => {
    expect((await attempt({})).results).toEqual([]);
  });

  it.each([
    [
      'another key',
      { credentials: { ...credentials, accessKeyId: 'AKIDOTHER' } },
      'UnrecognizedClientException',
    ],
    [
      'another secret',
      { credentials: { ...credentials, secretAccessKey: 'no' } },
      'InvalidSignatureException',
    ],
    ['another region', { region: 'us-east-1' }, 'InvalidSignatureException'],
    ['a clock an hour behind', { systemClockOffset: -3_600_000 }, 'InvalidSignatureException'],
  ])('signed with %s is refused', async (_, options, name) => {
    await expect(attempt(options)).rejects.toMatchObject({ name, $metadata: { httpStatusCode: 403 } });
  });

  it('signed for the control plane is refused by the data plane, and the other way round', async () => {
    const data = new IoTDataPlaneClient({ ...clientOptions(stack.dataUrl), signingName: 'iot' } as object);
    const control = new IoTClient({ ...clientOptions(stack.controlUrl), signingName: 'iotdata' } as object);
    const refused = { name: 'InvalidSignatureException' };
    await expect(data.send(new GetThingShadowCommand({ thingName: 'mx1' }))).rejects.toMatchObject(refused);
    await expect(
      control.send(new DescribeEndpointCommand({ endpointType: 'iot:Data-ATS' })),
    ).rejects.toMatchObject(refused);
  });

  it('without a signature is refused, with the error where clients look for it', async () => {
    const response = await fetch(`${stack.dataUrl}/things/mx1/shadow`);
    expect(response.status).toBe(403);
    expect(response.headers.get('x-amzn-errortype')).toBe('MissingAuthenticationTokenException');
    expect(await response.json()).toEqual({ message: 'Missing Authentication Token' });
  });

  it.each([
    'Bearer x',
    'AWS4-HMAC-SHA256 Credential=a',
    '',
  ])('with the authorization %j is refused', async (text) => {
    const response = await fetch(`${stack.dataUrl}/things/mx1/shadow`, { headers: { authorization: text } });
    expect(response.status).toBe(403);
  });

  it('whose body was changed on the way is refused and changes nothing', async () => {
    const data = new IoTDataPlaneClient(clientOptions(stack.dataUrl));
    data.middlewareStack.add(
      (next) => (args) => {
        (args.request as { body: unknown }).body = Buffer.from('{"state":{"desired":{"a":2}}}');
        return next(args);
      },
      { step: 'finalizeRequest', priority: 'low' },
    );
    const payload = Buffer.from('{"state":{"desired":{"a":1}}}');
    await expect(
      data.send(new UpdateThingShadowCommand({ thingName: 'mx1', payload })),
    ).rejects.toMatchObject({ name: 'InvalidSignatureException' });
    expect((await attempt({})).results).toEqual([]);
    data.destroy();
  });

  it.each([
    'a b',
    'ü',
    'a+b',
    "it's (1)*",
    'a%2Fb',
  ])('for the odd name %j has a signature that holds', async (name) => {
    await expect(stack.data.send(new GetThingShadowCommand({ thingName: name }))).rejects.toMatchObject({
      name: 'InvalidRequestException',
    });
    await expect(
      stack.data.send(new GetThingShadowCommand({ thingName: 'mx1', shadowName: name })),
    ).rejects.toMatchObject({ name: 'InvalidRequestException' });
  });

  it('for an unknown path is 501', async () => {
    const response = await fetch(`${stack.dataUrl}/jobs`);
    expect(response.status).toBe(501);
  });
});
