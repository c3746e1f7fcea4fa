/**
 * Says what to do if a builder or an engine cannot speak to a registry because of its certificate, or because it has none.
 * Returns undefined for any other error.
 */
export function hintForTrust(said: string): string | undefined {
  if (/x509|certificate/i.test(said)) {
    return "It does not trust the authority that signed the certificate. Engines and builders look for it in places of their own: see docs/configuration.md, registry.";
  }
  if (/server gave HTTP response to HTTPS client/i.test(said)) {
    return "It speaks plain HTTP only to registries of its own configuration: an engine to its insecure-registries in daemon.json; see docs/configuration.md, registry.";
  }
  return undefined;
}
