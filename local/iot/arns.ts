import { invalidRequest } from './api-error.ts';

/** Names of IoT resources in one account and region. */
export interface Arns {
  of(kind: string, name: string): string;
  /** The certificate id in the ARN of a certificate. @throws ApiError for any other ARN. */
  certificateId(arn: string | undefined): string;
}

/** ARNs as "Resource types defined by AWS IoT" lists them. */
export const iotArns = (region: string, accountId: string): Arns => {
  const of = (kind: string, name: string) => `arn:aws:iot:${region}:${accountId}:${kind}/${name}`;
  const certificateId = (arn: string | undefined): string => {
    const prefix = of('cert', '');
    const id = arn?.startsWith(prefix) ? arn.slice(prefix.length) : '';
    if (!/^[0-9a-f]{64}$/.test(id))
      throw invalidRequest(`${arn ?? 'nothing'} is not the ARN of a certificate`);
    return id;
  };
  return { of, certificateId };
};
