import {
  AttachPolicyCommand,
  AttachThingPrincipalCommand,
  CreateCertificateFromCsrCommand,
  CreateThingCommand,
  DeleteThingCommand,
  DescribeEndpointCommand,
  DetachThingPrincipalCommand,
  IoTClient,
  ListThingPrincipalsCommand,
  type ListThingPrincipalsCommandOutput,
  UpdateCertificateCommand,
} from '@aws-sdk/client-iot';
import { AppError } from '../../shared/errors.ts';
import { calling, patience } from './faults.ts';

const iot = new IoTClient(patience);

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

/** Certificates that speak for the thing now; a thing that is not there has none. */
export const certificatesOf = async (thingName: string): Promise<string[]> => {
  const certificateArns: string[] = [];
  let nextToken: string | undefined;
  do {
    const list = new ListThingPrincipalsCommand({ thingName, nextToken });
    const answer = await calling<Pick<ListThingPrincipalsCommandOutput, 'principals' | 'nextToken'>>(
      iot.send(list),
      (error) => (error.name === 'ResourceNotFoundException' ? {} : undefined),
    );
    certificateArns.push(...(answer.principals ?? []).filter((principal) => principal.includes(':cert/')));
    nextToken = answer.nextToken;
  } while (nextToken);
  return certificateArns;
};

const absent = (error: Error) => (error.name === 'ResourceNotFoundException' ? true : undefined);

const endCertificate = async (certificateId: string, newStatus: 'INACTIVE' | 'REVOKED'): Promise<void> => {
  await calling<unknown>(iot.send(new UpdateCertificateCommand({ certificateId, newStatus })), absent);
};

const detach = async (thingName: string, principal: string): Promise<void> => {
  await calling<unknown>(iot.send(new DetachThingPrincipalCommand({ thingName, principal })), absent);
};

/** Deactivates certificates and detaches them from the thing; one that is detached already is no error. */
export const retireCertificates = async (
  thingName: string,
  certificateArns: readonly string[],
): Promise<void> => {
  for (const certificateArn of certificateArns) {
    await endCertificate(idOf(certificateArn), 'INACTIVE');
    await detach(thingName, certificateArn);
  }
};

/** Revokes a certificate for good; one that is not there is no error. */
export const revokeCertificate = (certificateId: string): Promise<void> =>
  endCertificate(certificateId, 'REVOKED');

/** Revokes the certificates that speak for the thing, and detaches them. */
export const revokeCertificatesOf = async (thingName: string): Promise<void> => {
  for (const certificateArn of await certificatesOf(thingName)) {
    await revokeCertificate(idOf(certificateArn));
    await detach(thingName, certificateArn);
  }
};

/**
 * Deletes the thing; one that is not there is no error. UNAVAILABLE while a certificate is attached: detaching takes seconds to be known
 * everywhere (AWS IoT, DetachThingPrincipal).
 */
export const deleteThing = async (thingName: string): Promise<void> => {
  await calling<unknown>(iot.send(new DeleteThingCommand({ thingName })), (error) => {
    if (error.name === 'InvalidRequestException')
      throw new AppError('UNAVAILABLE', `The thing ${thingName} cannot be deleted yet.`, { cause: error });
    return absent(error);
  });
};

const standardPort = 8883;

/** Where Scanners connect by MQTT. The address may carry a port of its own; AWS IoT's is 8883. */
export const mqttEndpoint = async (): Promise<{ host: string; port: number }> => {
  const answer = await calling(iot.send(new DescribeEndpointCommand({ endpointType: 'iot:Data-ATS' })));
  const [host = '', port] = (answer.endpointAddress ?? '').split(':');
  return { host, port: port === undefined ? standardPort : Number(port) };
};
