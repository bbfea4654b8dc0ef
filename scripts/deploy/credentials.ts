import { IoTClient } from '@aws-sdk/client-iot';

/** How a program ends that has found no credentials: nothing was begun. */
export const noCredentials = 3;

const whatToDo =
  'Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or sign in with aws configure or aws sso login.';

/**
 * Whether it is the chain itself that found nothing, or nothing that it can use. A service that refuses a role is for the CDK to tell of; and the SDK
 * asks nobody for the code of a second factor, as the CDK does for the same profile.
 */
const isMissing = ({ name, message }: Error): boolean =>
  name === 'CredentialsProviderError' && !message.includes('multi-factor authentication');

/**
 * In one line what to do where nobody has given credentials of an AWS account; undefined where there are some, or the CDK will ask for what is
 * missing. They are looked for where the CDK looks: environment, profiles, single sign-on, processes, container and instance. Whether they are good
 * is for AWS to say.
 */
export const missingCredentials = async (): Promise<string | undefined> => {
  const client = new IoTClient({});
  try {
    await client.config.credentials();
    return undefined;
  } catch (error) {
    if (!isMissing(error as Error)) return undefined;
    return `There are no credentials of an AWS account. ${whatToDo} (${(error as Error).message})`;
  } finally {
    client.destroy();
  }
};
