/** Architectures as images name them, where Node.js uses another name. */
const architectures: Partial<Record<NodeJS.Architecture, string>> = { x64: "amd64", ia32: "386", arm: "arm/v7", ppc64: "ppc64le" };

/** The platform of images that are built on this machine: containers are Linux everywhere. */
export const ownPlatform = `linux/${architectures[process.arch] ?? process.arch}`;
