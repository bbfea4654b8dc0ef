import {
  AttachPolicyCommand,
  AttachThingPrincipalCommand,
  CreateCertificateFromCsrCommand,
  CreateThingCommand,
  DescribeEndpointCommand,
  DetachThingPrincipalCommand,
  IoTClient,
  ListThingPrincipalsCommand,
  UpdateCertificateCommand,
} from '@aws-sdk/client-iot';
import { AppError } from '../../shared/errors.ts';
import { calling } from './faults.ts';

const iot = new IoTClient({});

export interface IssuedCertificate {
  certificateId: string;
  certificateArn: string;
  certificatePem: string;
}

/** Makes sure that the thing is there; the same name with the same type is no error (AWS IoT, CreateThing). */
export const ensureThing = async (thingName: string, thingTypeName: string): Promise<void> => {
  await calling<unknown>(iot.send(new CreateThingCommand({ thingName, thingTypeName })), (error) =>
    error.name === 'ResourceAlreadyExistsException' ? true : undefined,
  );
};

/** An active certificate for the key of a request. CSR_INVALID when the service cannot use the request. */
export const certificateFromCsr = async (csr: string): Promise<IssuedCertificate> => {
  const create = new CreateCertificateFromCsrCommand({ certificateSigningRequest: csr, setAsActive: true });
  const answer = await calling(iot.send(create), (error) => {
    if (error.name === 'InvalidRequestException') throw new AppError('CSR_INVALID', error.message);
    return undefined;
  });
  const { certificateId, certificateArn, certificatePem } = answer;
  if (!certificateId || !certificateArn || !certificatePem)
    throw new TypeError('The service issued no certificate.');
  return { certificateId, certificateArn, certificatePem };
};

/** Lets the certificate speak for the thing under the policy. Both steps may be repeated. */
export const bindCertificate = async (
  thingName: string,
  certificateArn: string,
  policyName: string,
): Promise<void> => {
  await calling(iot.send(new AttachPolicyCommand({ policyName, target: certificateArn })));
  await calling(iot.send(new AttachThingPrincipalCommand({ thingName, principal: certificateArn })));
};

const idOf = (certificateArn: string): string => certificateArn.split('/').at(-1) ?? '';

/** Certificates that speak for the thing now. */
export const certificatesOf = async (thingName: string): Promise<string[]> => {
  const certificateArns: string[] = [];
  let nextToken: string | undefined;
  do {
    const answer = await calling(iot.send(new ListThingPrincipalsCommand({ thingName, nextToken })));
    certificateArns.push(...(answer.principals ?? []).filter((principal) => principal.includes(':cert/')));
    nextToken = answer.nextToken;
  } while (nextToken);
  return certificateArns;
};

const retire = async (thingName: string, certificateArn: string): Promise<void> => {
  const inactive = new UpdateCertificateCommand({
    certificateId: idOf(certificateArn),
    newStatus: 'INACTIVE',
  });
  await calling(iot.send(inactive));
  const detach = new DetachThingPrincipalCommand({ thingName, principal: certificateArn });
  await calling<unknown>(iot.send(detach), (error) =>
    error.name === 'ResourceNotFoundException' ? true : undefined,
  );
};

/** Deactivates certificates and detaches them from the thing; one that is detached already is no error. */
export const retireCertificates = async (
  thingName: string,
  certificateArns: readonly string[],
): Promise<void> => {
  for (const certificateArn of certificateArns) await retire(thingName, certificateArn);
};

const standardPort = 8883;

/** Where Scanners connect by MQTT. The address may carry a port of its own; AWS IoT's is 8883. */
export const mqttEndpoint = async (): Promise<{ host: string; port: number }> => {
  const answer = await calling(iot.send(new DescribeEndpointCommand({ endpointType: 'iot:Data-ATS' })));
  const [host = '', port] = (answer.endpointAddress ?? '').split(':');
  return { host, port: port === undefined ? standardPort : Number(port) };
};
