import type { Configuration } from './input.ts';

type Headers = Configuration['advanced']['authentication'];

/** False where Postfix does by itself what is asked: it inserts its Received header and takes none away. */
export const rewritesReceived = ({ insertReceivedHeader, stripReceivedHeaders }: Headers): boolean =>
  !insertReceivedHeader || stripReceivedHeaders;

/**
 * The header checks (regexp_table(5)) of authenticated mail. The header that smtpd inserts is known by the marker that stands in it in place of
 * "Postfix": no client knows it, so none can forge it, and what stays has "Postfix" again.
 */
export const receivedChecks = (headers: Headers, marker: string): string => {
  const own = `\\(${marker}\\)`;
  const lines = headers.stripReceivedHeaders ? [`if !/${own}/`, '/^Received:/ IGNORE', 'endif'] : [];
  const inserted = headers.insertReceivedHeader
    ? `/^(Received:.*\\()${marker}(\\).*)$/ REPLACE $(1)Postfix$(2)`
    : `/^Received:.*${own}/ IGNORE`;
  return `${[...lines, inserted].join('\n')}\n`;
};
