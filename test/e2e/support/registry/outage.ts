import { onTestFinished } from "vitest";
import { onHost } from "../hosts.ts";

/** Stops the sandbox's registry until it is ended, or until the test has ended. */
export async function stopRegistry(): Promise<{ end: () => Promise<void> }> {
  await onHost("gateway", "pkill -x docker-registry; while pgrep -x docker-registry >/dev/null; do sleep 0.05; done");
  const serve = "setsid docker-registry serve /mnt/registry.yml </dev/null >>/mnt/access.log 2>>/mnt/registry.log &";
  const end = async () => {
    await onHost("gateway", `pgrep -x docker-registry >/dev/null || { ${serve} }`);
    await onHost("gateway", "until curl -so /dev/null http://$(hostname -I | cut -d' ' -f1):5000/v2/; do sleep 0.05; done");
  };
  onTestFinished(end);
  return { end };
}
