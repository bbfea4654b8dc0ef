/** What an AWS client or service says too little about, in whole words; undefined for all else. */
const explanationOf = ({ name, message }: Error, table: string | undefined): string | undefined => {
  if (message === 'Region is missing')
    return 'Region is missing: set AWS_REGION to the region of the deployment.';
  if (name === 'ResourceNotFoundException' && message.startsWith('Requested resource not found'))
    return `There is no table ${table} in this account and region.`;
  return undefined;
};

/** Runs what asks AWS, with the table of the environment as the one that is asked. */
export const explaining = async <T>(run: () => Promise<T>): Promise<T> => {
  try {
    return await run();
  } catch (error) {
    const text = error instanceof Error ? explanationOf(error, process.env['TABLE_NAME']) : undefined;
    throw text === undefined ? error : new Error(text, { cause: error });
  }
};
