/** Content of a store's `FORMAT`; another number means that its layout differs. */
export const FORMAT = 'datawf-store 1\n';
export const README = 'x';
export const RECOVER = 'x';
