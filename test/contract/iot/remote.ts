import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import {
  CreatePolicyCommand,
  DeleteCertificateCommand,
  DeletePolicyCommand,
  DeleteThingCommand,
  DescribeEndpointCommand,
  DetachPolicyCommand,
  DetachThingPrincipalCommand,
  IoTClient,
  UpdateCertificateCommand,
} from '@aws-sdk/client-iot';
import { DeleteThingShadowCommand, IoTDataPlaneClient } from '@aws-sdk/client-iot-data-plane';
import { connect, enrol, openPolicy } from './embedded.ts';
import type { ShadowAccess } from './shadow.contract.ts';
import { shadowAccess } from './shadow-access.ts';

/** True when the contract is to be run on the real account that the environment's credentials belong to. */
export const remote = process.env['REMOTE'] === '1';

/** A thing, certificate and policy on the real account, removed with its shadows by `close`. */
export const remoteAccess = async (via: 'http' | 'mqtt'): Promise<ShadowAccess> => {
  const iot = new IoTClient({});
  const { endpointAddress = '' } = await iot.send(
    new DescribeEndpointCommand({ endpointType: 'iot:Data-ATS' }),
  );
  const data = new IoTDataPlaneClient({ endpoint: `https://${endpointAddress}` });
  const name = `contract-${randomUUID()}`;
  const policy = { policyName: name };
  await iot.send(new CreatePolicyCommand({ ...policy, policyDocument: JSON.stringify(openPolicy) }));
  const device = await enrol(iot, name, { policy: name });
  const dir = mkdtempSync(join(tmpdir(), 'iot-remote-'));
  const caPath = join(dir, 'ca.pem');
  writeFileSync(caPath, rootCertificates.join('\n'));
  const client = await connect({ mqtt: { host: endpointAddress, port: 8883 }, caPath }, device);

  const { certificateId, certificateArn: target } = device;
  const close = async () => {
    for (const shadowName of await access.list())
      await data.send(new DeleteThingShadowCommand({ thingName: name, shadowName }));
    await iot.send(new DetachThingPrincipalCommand({ thingName: name, principal: target }));
    await iot.send(new DetachPolicyCommand({ ...policy, target }));
    await iot.send(new UpdateCertificateCommand({ certificateId, newStatus: 'INACTIVE' }));
    await iot.send(new DeleteCertificateCommand({ certificateId }));
    await iot.send(new DeletePolicyCommand(policy));
    await iot.send(new DeleteThingCommand({ thingName: name }));
    rmSync(dir, { recursive: true, force: true });
  };
  const access = await shadowAccess({ via, thing: name, data, client, close });
  return access;
};
