import { isCoordinated } from "./coordinated-storage.ts";
import type { ImageFacts } from "./image-facts.ts";
import type { ComposeModel, ComposeMount, ComposeService } from "../compose/model.ts";

export interface WritableInput {
  service: ComposeService;
  model: ComposeModel;
  facts: ImageFacts | undefined;
  /** The known facts about another service's image. */
  factsOf?: ((service: string) => ImageFacts | undefined) | undefined;
  /** Whether a mount is content of the commit that nobody should write to. */
  isContent: (mount: ComposeMount) => boolean;
}

/** Paths of the host that containers only look at, or communicate through, even if the mount allows writing. */
const system =
  /^(?:\/(?:dev|proc|sys|lib\/modules|usr\/share\/zoneinfo|usr\/src|usr\/lib\/modules|boot)(?:\/|$)|\/etc\/(?:localtime|timezone|hosts|hostname|resolv\.conf|passwd|group|machine-id|os-release|ssl\/certs|pki\/ca-trust|ca-certificates)(?:\/|$)|\/(?:var\/)?run\/(?:docker|containerd|podman|dbus|udev|systemd|user|php|uwsgi|gunicorn|avahi-daemon|pcscd|cups)(?:[./]|$)|\/tmp\/\.X11-unix)/;

/** Devices that many programs can use at a time. */
const sharedDevice =
  /^\/dev\/(?:null|zero|full|u?random|tty|console|ptmx|pts|fuse|dri|kvm|net\/tun|vhost-\w+|nvidia\S*|kfd|snd|shm|log|mqueue|hugepages|infiniband|accel|mali\d*|dma_heap|davinci\S*|dxg|apex_\d+|cpu_dma_latency)(?:\/|$)/;

/** Devices that only one program can use at a time, wherever they are mounted. */
const mountedDevice = /^\/dev\/(?:tty(?:USB|ACM|AMA|S)\d|serial\/|video\d|bus\/usb|usb\/|hidraw\d|input\/|i2c-\d|spidev|gpio|rfcomm\d)/;

/** What a container writes to that outlives it, in the user's words. Two containers of a service would write to it at once. */
export function writableState(input: WritableInput): string[] {
  const { service, facts, isContent } = input;
  const mounts = (service.volumes ?? [])
    .filter((mount) => isWritable(mount) && !isContent(mount) && !isCoordinated(plainPath(mount.target), service, facts))
    .map(nameOfMount);
  const anonymous = imageVolumes(service, facts, input.model, input.factsOf).map((target) => `${target} (a volume of its image)`);
  const shared = (service.volumes_from ?? []).flatMap((from) => {
    const [first = "", second = "", third] = from.split(":");
    const [name, access] = first === "container" ? [`container ${second}`, third] : [first, second];
    return access === "ro" ? [] : [`the volumes of ${name}`];
  });
  const devices = asList(service["devices"]).flatMap((device) => {
    const source = typeof device === "string" ? device.split(":", 1)[0] : deviceSource(device);
    return source?.startsWith("/dev/") === true && !sharedDevice.test(source) ? [source] : [];
  });
  const bound = (service.volumes ?? []).flatMap(({ type, source = "" }) => (type === "bind" && mountedDevice.test(source) ? [source] : []));
  return [...mounts, ...anonymous, ...shared, ...devices, ...bound];
}

/** Folders in which a service's program coordinates its own access, so that two containers may write there at once. */
export function coordinatedFolders({ service, facts }: Pick<WritableInput, "service" | "facts">): string[] {
  const writable = (service.volumes ?? []).filter(isWritable).map(({ target }) => plainPath(target));
  return writable.filter((target) => isCoordinated(target, service, facts));
}

/** Folders that an image declares as volumes and where nothing else is mounted. Each container gets its own volume there. */
export function imageVolumes(
  service: ComposeService,
  facts: ImageFacts | undefined,
  model: ComposeModel,
  factsOf: (service: string) => ImageFacts | undefined = () => undefined,
): string[] {
  const others = (service.volumes_from ?? []).flatMap((from) => {
    const name = from.split(":", 1)[0] ?? from;
    return [...(model.services[name]?.volumes ?? []).map(({ target }) => target), ...(factsOf(name)?.volumes ?? [])];
  });
  const memory = asList(service["tmpfs"]).flatMap((mount) => (typeof mount === "string" ? [mount.split(":", 1)[0] ?? mount] : []));
  const taken = new Set([...(service.volumes ?? []).map(({ target }) => target), ...others, ...memory].map(plainPath));
  return (facts?.volumes ?? []).map(plainPath).filter((target) => !taken.has(target));
}

/** Normalises a path without changing its meaning. */
export function plainPath(path: string): string {
  return path.replaceAll(/\/{2,}/g, "/").replace(/(.)\/$/, "$1");
}

function isWritable({ type, source, read_only: readOnly }: ComposeMount): boolean {
  if (readOnly === true) return false;
  if (type === "volume" || type === "cluster") return true;
  return type === "bind" && source !== undefined && !source.endsWith(".sock") && !system.test(source);
}

function nameOfMount({ type, source, target }: ComposeMount): string {
  if (source === undefined) return `${target} (a volume without a name)`;
  return type === "volume" ? `the volume ${source}` : target;
}

function deviceSource(device: unknown): string | undefined {
  return typeof device === "object" && device !== null && "source" in device && typeof device.source === "string"
    ? device.source
    : undefined;
}

function asList(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  return typeof value === "string" ? [value] : [];
}
