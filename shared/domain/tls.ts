import type { Problem, Warning } from '../errors.ts';
import { noTls, type SmtpSettings } from '../schemas/smtp.ts';
import { activeSections, type JsonObject, memberOf, problem, type Section } from './sections.ts';

/** Members that mean nothing while TLS is not offered, with the value that says so. */
const neutral = { certificateId: null, require: false, clientCertificate: 'none' } as const;

const withoutTls = (tls: JsonObject, pointer: string): Problem[] =>
  Object.entries(neutral)
    .filter(([name, value]) => tls[name] !== undefined && tls[name] !== value)
    .map(([name]) =>
      problem(
        `${pointer}/${name}`,
        'TLS_FIELDS_WITHOUT_TLS',
        `TLS is not accepted here, so "${name}" means nothing; leave it out or accept TLS.`,
      ),
    );

const withTls = (tls: JsonObject, pointer: string): Problem[] => {
  const certificate =
    tls['certificateId'] === undefined || tls['certificateId'] === null
      ? [problem(`${pointer}/certificateId`, 'CERTIFICATE_REQUIRED', 'Accepting TLS needs a certificate.')]
      : [];
  const client =
    tls['clientCertificate'] === 'require' && tls['require'] !== true
      ? [
          problem(
            `${pointer}/clientCertificate`,
            'CLIENT_CERTIFICATE_WITHOUT_REQUIRED_TLS',
            'A client certificate can be required only where TLS is required.',
          ),
        ]
      : [];
  return [...certificate, ...client];
};

/**
 * What the document alone decides of TLS (tab rows "Accept TLS encryption", "Certificate", "Request client certificate", "Require TLS
 * encryption"; DESIGN 3).
 */
export const tlsProblems = (body: JsonObject): Problem[] =>
  activeSections(body).flatMap((section) => {
    const tls = memberOf(body, section, 'tls');
    if (!tls || typeof tls['accept'] !== 'boolean') return [];
    const pointer = `/${section}/tls`;
    return tls['accept'] ? withTls(tls, pointer) : withoutTls(tls, pointer);
  });

/** The TLS of a section whose rules apply; undefined where there is no such section. */
export const tlsOf = (settings: SmtpSettings | null, section: Section) => {
  if (!settings || !activeSections(settings as never).includes(section)) return undefined;
  return settings[section]?.tls ?? noTls;
};

const asksForMuch = (tls: object): boolean =>
  ('require' in tls && tls.require === true) ||
  ('clientCertificate' in tls && tls.clientCertificate !== 'none');

const mayRefuseSenders: Warning = {
  pointer: '/inbound/tls',
  code: 'MAY_REFUSE_SENDERS',
  message:
    'Ordinary senders on port 25 may have no TLS or no client certificate; what they send is then refused.',
};

const onPort25 = ({ inbound }: SmtpSettings): boolean =>
  inbound?.ipv4.port === 25 || inbound?.ipv6?.port === 25;

const withoutTlsWarning: Warning = {
  pointer: '/authentication/tls/require',
  code: 'AUTHENTICATION_WITHOUT_TLS',
  message: 'Without required TLS, passwords may cross the network in the clear.',
};

/** What is allowed of TLS, but should be known (DESIGN 3). */
export const tlsWarnings = (settings: SmtpSettings): Warning[] => {
  const inbound = tlsOf(settings, 'inbound');
  const authentication = tlsOf(settings, 'authentication');
  return [
    ...(inbound && asksForMuch(inbound) && onPort25(settings) ? [mayRefuseSenders] : []),
    ...(authentication && !('require' in authentication && authentication.require)
      ? [withoutTlsWarning]
      : []),
  ];
};
