/** The one client of the embedded stack: for whom its issuer's tokens are, and whose they are. */
export const audience = 'scanner-control-plane';
