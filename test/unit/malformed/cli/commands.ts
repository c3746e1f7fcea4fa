import Build from "../../../../src/commands/build.ts";
import Deploy from "../../../../src/commands/deploy.ts";
import Status from "../../../../src/commands/status.ts";

/** The commands as they are, from their sources. */
export default { build: Build, deploy: Deploy, status: Status };
