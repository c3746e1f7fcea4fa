/**
 * Words of six letters and more that are common in output: words of our own messages, of Compose files and of programs that start
 * up, and words that people write instead of a password. Blanking them out would hide nothing, and make the rest unreadable.
 */
export const ordinaryWords: ReadonlySet<string> = new Set(
  `
  aborted absent absolute accept access account accounts action adapters additional address addresses administrator advice
  afterwards aliases allowed already although always analytics another answer answered answers anything anywhere application applies
  argument arguments around arrive arrives asking assignment attach attribute authority available backend barrier barriers because
  become becomes before beginning begins behind belong belongs beside between branch branches breaks brings broken buildcache
  builder builders building buildkit builds buildx cached caches called cannot capacity celery certificate change changed changeit
  changeme changes character characters checked checkout checks chosen client clients closed coldtivate column command commands
  comment commit commits committed completed compose configuration configure confirm confirmed connect connected connecting
  connection connections console consumers container containerd containerimage containers contains content context contexts control
  correct counts create created credentials crypto current customer customers daemon damaged database databases debian decides
  declared default defaults definition delete depends deploy deployed deploying deploys describe detach detached details develop
  development device devices differ differences different differs digest digits directory disconnected docker dockerd dockerfile
  dockerignore dockerode document dollar dotenv driver duration earlier effect either elsewhere encrypted engine engines enough
  environment environments errors events everything example exception executable executables executor exists exited expect expected
  expired export exporting extends external failed failure farewells faults features fetched fetches fields fingerprint finish
  finished finishes flight folder folders follow followed follows forced format former fragments frontend fronts frozen function
  gateway generator github gitlab gitmodules happened happens haproxy header headers health healthcheck healthy history hostname
  ignore ignores images include included incoming incomplete inferred insecure inside install installed instead internal interrupted
  interval irreversible itself journal kubernetes labels laptop leaves leftovers length letmein letter letters library likewise
  limits listed listening listens literal loading localhost locked logging longer looked looking machine manage manifest mapping
  mariadb meanwhile measured memory merged message messages migrate migrating migration migrations milliseconds minute minutes
  missing misspelt mistakes models mongodb monitoring monorepo mounted mounts moving mypassword mysecret namespace nearest needed
  neither network networks newest nextcloud nobody nothing number numbers object observe observed opencontainers option options
  origin others otherwise outcome output outside override packages palette parent passed passes passphrase passwd password pattern
  payment payments people permission permissions person pinned pipeline placement places planned planners platform platforms points
  policy possible postgres prefix presented previous printed prints private privileged problem process processes production program
  programs progress project prometheus promises protected protocol provenance provider proxies public published publishes pulled
  pushed pushes pushing python queries question quotes rabbitmq reached reaches reason record recover recreate redactor reference
  refused refuses registry relative release releases remote remove removed removes rename rendered repeated replace replaced
  replaces report reporter repository request requests required reservations resolve resources response restart restarts retries
  return reveal revision revoked rollback rolled rollout rollouts running sandbox scheduler schema script scripts seccomp second
  seconds secret secretkey secrets section served server servers serves service services session sessions setting settings several
  shallow shared sharing should signal signals silent single skipped socket somebody something source sources staging standard
  stands started starting starts status stopped stopping storage stream string submodule submodules successful successfully
  supersecret superuser survey switch switched system target terminal tested tester testing themselves through timeout timers titles
  together touched traceback traefik troubleshooting tunnel ulimits unchanged uncommitted undefined undoes undoing undone unknown
  unless unlock unsettled untold unwritten update updated uploads username values variable variables version versions volume volumes
  waiting wanted warning watched webhook website welcome whatever whether whoever within without wordpress worker workers working
  writable writes written
`
    .trim()
    .split(/\s+/),
);
