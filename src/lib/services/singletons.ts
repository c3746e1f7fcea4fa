import { commandsOf, runsWith } from "./command-words.ts";
import type { ImageFacts } from "./image-facts.ts";
import type { ComposeService } from "../compose/model.ts";
import { isStarted, programName } from "./server-commands.ts";

/** A program that acts on its own, recognised by the words of its command. Two of it would do everything twice. */
interface Singleton {
  program: RegExp;
  /** A word that must follow somewhere after the program. */
  action?: RegExp;
}

const programs: readonly Singleton[] = [
  // Python
  { program: /^celery$/, action: /^(beat|--beat|-[A-Za-z]*B[A-Za-z]*)$/ },
  { program: /^celery$/, action: /^(worker|multi)$/ },
  { program: /^celerybeat$|^celeryd$/ },
  { program: /^rq$/, action: /^(worker|worker-pool|scheduler)$/ },
  { program: /^(rqworker|rqscheduler|rq-scheduler|rqscheduler\.py)$/ },
  { program: /^(huey_consumer|huey_consumer\.py|dramatiq|arq|procrastinate|pgqueuer|saq|faust|streaq)$/ },
  { program: /^taskiq$/, action: /^(worker|scheduler)$/ },
  {
    program: /^(manage\.py|django-admin)$/,
    action:
      /^(qcluster|rqworker|rqscheduler|run_huey|rundramatiq|djangoq|process_tasks|db_worker|crontab|runcrons|procrastinate|runapscheduler|scheduler|worker|beat|bot|consumer|(consume|listen|poll)([-_]\w+)?|(run|start)[-_]?(\w+[-_])?(scheduler|worker|beat|bot|cron|cronjobs|jobs|consumer|consumers|queue|poller|listener)|\w+[-_](scheduler|worker|bot|consumer))$/,
  },
  { program: /^airflow$/, action: /^(scheduler|triggerer|dag-processor|worker|celery|standalone)$/ },
  { program: /^flask$/, action: /^(\w+[-_])?(worker|scheduler|beat|bot|consumer|cron)$/ },
  { program: /^scrapy$/, action: /^crawl$/ },
  { program: /^(dagster-daemon|luigid|prefect-agent)$/ },
  { program: /^prefect$/, action: /^(agent|worker)$/ },
  { program: /^rasa$/, action: /^actions$/ },
  // Ruby
  {
    program:
      /^(sidekiq|sidekiqswarm|clockwork|resque|resque-scheduler|good_job|shoryuken|sneakers|que|delayed_job|delayed_job_worker|jobs)$/,
  },
  {
    program: /^(rake|rails)$/,
    action: /^(jobs:work|resque:work|resque:scheduler|solid_queue:start|sneakers:run|que:work|good_job:start)$/,
  },
  // PHP
  {
    program: /^artisan$/,
    action:
      /^(queue:work|queue:listen|schedule:work|schedule:run|horizon|horizon:work|pulse:work|pulse:check|reverb:scheduler|[\w-]+:(consume|work|listen|poll|subscribe|daemon))$/,
  },
  {
    program: /^console$/,
    action:
      /^(messenger:consume(-messages)?|scheduler:run|cron:run|enqueue:consume|rabbitmq:consumer|[\w-]+:(worker|consume|consumer|listen|daemon|scheduler))$/,
  },
  { program: /^spark$/, action: /^(queue:work|tasks:run)$/ },
  { program: /^(wp|wp-cli|drush|occ)$/, action: /^(cron|core:cron|cron:run|background-job:worker)$/ },
  // JavaScript, Go, Elixir, the rest
  { program: /^ace$/, action: /^(queue:listen|queue:work|scheduler:run|scheduler:work)$/ },
  { program: /^n8n$/, action: /^worker$/ },
  { program: /^(graphile-worker|agenda|bree|pg-boss)$/ },
  {
    program: /^(npm|yarn|pnpm|bun|make|just|task|rake|composer)$/,
    action: /^([\w-]+:)*([\w-]+[-_])?(workers?|schedulers?|bots?|crons?|consumers?|queues?|jobs)(:[\w-]+)*$/,
  },
  { program: /^(honcho|foreman|overmind|hivemind|forego)$/, action: /^(workers?|schedulers?|beat|clock|cron|bots?|consumers?|queue)$/ },
  { program: /^(cron|crond|cronie|dcron|supercronic|yacron|ofelia|go-crond|anacron|fcron|jobber|tasker|snooze|crony|mcron)$/ },
];

/** Words that people use for what must not run twice. */
const wordsForOne =
  /^(?:schedulers?|beat|celery|celerybeat|workers?|cron|crons|crond|cronjobs?|crontab|bots?|consumers?|queue|queues|poller|pollers|sidekiq|horizon|resque|rq|huey|dramatiq|clock|timer|daemon|ticker|ingester|ingestor|crawler|scraper|watcher|jobs|jobrunner|runner|dispatcher|reaper|leader|backups?|etl|importer|indexer|notifier|syncer|subscriber)$/;

/** Words that may mean either: a program that listens to a queue, or a service that others ask. */
const wordsForEither =
  /^(?:listeners?|processors?|sync|synchronizer|bridge|collector|fetcher|harvester|clean(?:er|up)|sweeper|janitor|executor|publisher|producer|updater|replicator|trigger|heartbeat|telegram|discord|slack|(?!robots?$)\w+bots?|forwarder|orchestrator|coordinator|poll|streamer|feeder|mailer|sender)$/;

/** Words that people use for what takes requests. These take precedence: a `scheduler-api` is an API. */
const wordsForMany =
  /^(?:api|apis|web|www|http|https|ui|front|frontend|backend|gateway|server|site|dashboard|admin|portal|graphql|rest|rpc|grpc|webhook|webhooks|proxy|flower|exporter|monitor|console)$/;

/**
 * Why two containers of a service must never run at once, even if both are healthy: it acts on its own, so two of it would do
 * everything twice. Undefined if nothing indicates that.
 */
export function findSingleton(name: string, service: ComposeService, facts: ImageFacts | undefined): string | undefined {
  const { text, environment } = runsWith(service, facts);
  for (const { words } of commandsOf(text)) {
    const found = byCommand(words) ?? byOption(words);
    if (found !== undefined) return `${found}: a singleton`;
  }
  const role = Object.entries(environment).find(([variable, value]) => roles.test(variable) && wordsForOne.test(value.toLowerCase()));
  if (role !== undefined) return `${role.join("=")}: a singleton`;
  const word = wordOf(name, wordsForOne);
  return word === undefined ? undefined : `${named(word)}: a singleton`;
}

/** Why two of a service may be one too many, by an ambiguous name; undefined for any other name. */
export function maybeSingleton(name: string): string | undefined {
  const word = wordOf(name, wordsForEither);
  return word === undefined ? undefined : named(word);
}

function named(word: string): string {
  return `${/^[aeiou]/.test(word) ? "an" : "a"} ${word}, by its name`;
}

/** Variables that tell an image which part of a program to run. */
const roles = /^(?:[A-Z]+_)*(?:ROLE|PROCESS|PROCESS_TYPE|COMPONENT|RUN_MODE|APP_MODE|SERVICE_TYPE|MODE)$/;

/** Options that do the same: `--mode=worker`, `-role scheduler`. */
const roleOption = /^--?(?:mode|role|component|process|process-type|type|run-as)$/;

function byOption(words: readonly string[]): string | undefined {
  for (const [index, word] of words.entries()) {
    const [option = "", value = words[index + 1] ?? ""] = word.split("=", 2);
    if (roleOption.test(option) && wordsForOne.test(value.toLowerCase())) return `${option} ${value}`;
  }
  return undefined;
}

function byCommand(words: readonly string[]): string | undefined {
  for (const [index, word] of words.entries()) {
    const name = programName(word);
    const known = programs.filter(({ program }) => program.test(name));
    const rest = words.slice(index + 1);
    for (const { action } of known) {
      if (action === undefined) {
        if (isStarted(words, index)) return name;
        continue;
      }
      const told = rest.find((each) => action.test(each));
      if (told !== undefined && !rest.includes("flower")) return `${name} … ${told}`;
    }
    if (known.length > 0 || !isStarted(words, index)) continue;
    const called = calledSo(word, words[index - 1] === "-m") ?? toldSo(words, index);
    if (called !== undefined) return called;
  }
  return undefined;
}

const extension = /\.(?:py|m?js|cjs|ts|rb|php|sh|jar|dll|pl|exs?)$/;

/** Names that say nothing about a program, so that the name of its folder or package counts. */
const plainNames = /^(?:index|main|app|run|start|cli|__main__)$/;
const plainFolders = /^(?:src|dist|build|lib|bin|out|js)$/;

/** The name of a program, script or module, if it is typical of a singleton: `bot.py`, `base_api.worker`, `worker/index.js`. */
function calledSo(word: string, isModule: boolean): string | undefined {
  const parts = isModule ? word.split(".") : word.split("/");
  const bare = (part: string) => (isModule ? part : part.replace(extension, "")).replaceAll(/([a-z])([A-Z])/g, "$1-$2");
  let at = parts.length - 1;
  while (at > 0 && (at === parts.length - 1 ? plainNames : plainFolders).test(bare(parts[at] ?? ""))) at--;
  const last =
    bare(parts[at] ?? "")
      .split(/[-_.]+/)
      .at(-1) ?? "";
  if (!wordsForOne.test(last.toLowerCase())) return undefined;
  return isModule ? word : parts.slice(at).join("/");
}

/** One of the project's own programs with its first argument, if that is typical of a singleton: `./shop worker`. */
function toldSo(words: readonly string[], index: number): string | undefined {
  const [word = "", told = ""] = words.slice(index, index + 2);
  const isOwn = word.includes("/") || extension.test(word) || words[index - 1] === "-m";
  return isOwn && wordsForOne.test(told.replace(/^(?:run|start)[-_:]/, "")) ? `${programName(word)} ${told}` : undefined;
}

/** The word in a service's name that marks it as a singleton. */
function wordOf(name: string, known: RegExp): string | undefined {
  const words = name
    .replaceAll(/([a-z])([A-Z])/g, "$1-$2")
    .toLowerCase()
    .split(/[-_.]+/)
    .map((word) => word.replace(/\d+$/, ""))
    .filter((word) => word !== "");
  if (wordsForMany.test(words.at(-1) ?? "")) return undefined;
  return words.find((word) => known.test(word));
}
