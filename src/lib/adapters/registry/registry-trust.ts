import { readdir } from "node:fs/promises";
import { join } from "node:path";
import tls from "node:tls";
import { readBounded } from "../../common/file.ts";
import { dockerConfigDirectory } from "./registry-credentials.ts";

/** Codes that Node.js uses for a certificate of an unknown authority. */
const untrusted = new Set([
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
]);

/** Whether a connection failed because the certificate's authority is not known here. */
export function isUntrusted(code: string): boolean {
  return untrusted.has(code);
}

/**
 * The authorities that Docker would trust for a registry: those that Node.js knows, including NODE_EXTRA_CA_CERTS, those of this
 * system, and those in Docker's folder for the registry.
 * @param registry with its port, as images name it
 */
export async function findAuthorities(registry: string): Promise<string[]> {
  const folders = ["/etc/docker", dockerConfigDirectory()].map((folder) => join(folder, "certs.d", registry));
  const own = await Promise.all(folders.map(readCertificates));
  return [...readStore("default"), ...readStore("system"), ...own.flat()];
}

async function readCertificates(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  const read = async (name: string) => (await readBounded(join(folder, name)).catch(() => undefined))?.toString();
  return (await Promise.all(names.filter((name) => name.endsWith(".crt")).map(read))).filter((text) => text !== undefined);
}

function readStore(store: "default" | "system"): string[] {
  // Node.js has this since 22.15.
  const { getCACertificates, rootCertificates }: Partial<Pick<typeof tls, "getCACertificates">> & typeof tls = tls;
  return getCACertificates?.(store) ?? (store === "default" ? [...rootCertificates] : []);
}
