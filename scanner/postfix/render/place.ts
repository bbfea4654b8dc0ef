/** Where an instance of Postfix is, and as whom it speaks: what no setting says. Paths are absolute. */
export interface Place {
  /** The version by whose name Postfix asks the guard: letters, digits, hyphens. */
  version: string;
  /** The folder of that version; what is rendered names files in it. */
  folder: string;
  queueDirectory: string;
  dataDirectory: string;
  /** Null: what Postfix logs goes to syslog. */
  logFile: string | null;
  /** Sockets of the guard: policy delegation and AUTH. */
  policySocket: string;
  authSocket: string;
  hostName: string;
  /**
   * 16 or more hex digits by which a Received header that this instance made is told from all others. Made once for an instance, by chance.
   * It leaves the host with no message, so no client can know it; users of the host can, for it is among the arguments of smtpd.
   */
  marker: string;
}

const path = /^(?:\/[A-Za-z0-9._@+-]+)+$/;
const name = /^[A-Za-z0-9]+(?:(?:\.|-+)[A-Za-z0-9]+)*$/;
const forms = {
  version: /^[A-Za-z0-9-]+$/,
  folder: path,
  queueDirectory: path,
  dataDirectory: path,
  logFile: path,
  policySocket: path,
  authSocket: path,
  hostName: name,
  marker: /^[0-9a-f]{16,}$/,
} as const;

export const isMarker = (text: string): boolean => forms.marker.test(text);

/** True for what an instance of Postfix can be in, or can be called. */
export const isPlacePath = (text: string): boolean => path.test(text);
export const isHostName = (text: string): boolean => name.test(text);

/**
 * Postfix splits most values at spaces and commas and knows no quotes for them, so a place has neither.
 * @throws TypeError that says which member cannot be one.
 */
export const assertPlace = (place: Place): void => {
  for (const [name, form] of Object.entries(forms)) {
    const value = place[name as keyof Place];
    if (value !== null && !form.test(value))
      throw new TypeError(`"${value}" cannot be the ${name} of an instance of Postfix.`);
  }
};
