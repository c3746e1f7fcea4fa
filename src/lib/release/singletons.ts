import { commandsOf, runsWith } from "./command-words.ts";
import type { ImageFacts } from "./image-facts.ts";
import type { ComposeService } from "./model.ts";
import { isStarted, nameOf } from "./server-commands.ts";

/** A program that does things of its own accord, by the words of its command; two of it do them twice. */
interface Singleton {
  program: RegExp;
  /** What has to be among the words after it. */
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
      /^(qcluster|rqworker|rqscheduler|run_huey|rundramatiq|djangoq|process_tasks|db_worker|crontab|runcrons|procrastinate|runapscheduler|(run|start)[-_]?(\w+[-_])?(scheduler|worker|bot|cron|cronjobs|jobs|consumer|consumers|queue|poller|listener)|\w+[-_](scheduler|worker|bot|consumer))$/,
  },
  { program: /^airflow$/, action: /^(scheduler|triggerer|dag-processor|worker|celery|standalone)$/ },
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
    action: /^(queue:work|queue:listen|schedule:work|schedule:run|horizon|horizon:work|pulse:work|pulse:check|reverb:scheduler)$/,
  },
  { program: /^console$/, action: /^(messenger:consume(-messages)?|scheduler:run|cron:run|enqueue:consume|rabbitmq:consumer)$/ },
  { program: /^(wp|wp-cli|drush|occ)$/, action: /^(cron|core:cron|cron:run|background-job:worker)$/ },
  // JavaScript, Go, Elixir, the rest
  { program: /^n8n$/, action: /^worker$/ },
  { program: /^(graphile-worker|agenda|bree|pg-boss)$/ },
  {
    program: /^(npm|yarn|pnpm|bun|make|just|task|rake|composer)$/,
    action: /^([\w-]+:)*([\w-]+[-_])?(workers?|schedulers?|bots?|crons?|consumers?|queues?|jobs)(:[\w-]+)*$/,
  },
  { program: /^(cron|crond|cronie|dcron|supercronic|yacron|ofelia|go-crond|anacron|fcron|jobber|tasker|snooze|crony|mcron)$/ },
];

/** Words by which people call what must not run twice. */
const wordsForOne =
  /^(?:schedulers?|beat|celery|celerybeat|workers?|cron|crons|crond|cronjobs?|crontab|bots?|consumers?|queue|queues|poller|pollers|sidekiq|horizon|resque|rq|huey|dramatiq|clock|timer|daemon|ticker|ingester|ingestor|crawler|scraper|watcher|jobs|jobrunner|runner|dispatcher|reaper|leader)$/;

/** Words by which they call what takes requests, which go before: a `scheduler-api` is an API. */
const wordsForMany =
  /^(?:api|apis|web|www|http|https|ui|front|frontend|backend|gateway|server|site|dashboard|admin|portal|graphql|rest|rpc|grpc|webhook|webhooks|proxy|flower|exporter|monitor|console)$/;

/**
 * Why there must never be two of a service, though both would be well: what it does, it does of its own accord, so that two
 * of it do it twice. Undefined where nothing says so.
 */
export function findSingleton(name: string, service: ComposeService, facts: ImageFacts | undefined): string | undefined {
  const { text } = runsWith(service, facts);
  for (const { words } of commandsOf(text)) {
    const found = byCommand(words);
    if (found !== undefined) return `${found}: a singleton`;
  }
  const word = wordOf(name);
  if (word !== undefined) return `${/^[aeiou]/.test(word) ? "an" : "a"} ${word}, by its name: a singleton`;
  return undefined;
}

function byCommand(words: readonly string[]): string | undefined {
  for (const [index, word] of words.entries()) {
    const name = nameOf(word);
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
    if (known.length === 0 && isStarted(words, index) && isCalledSo(name, words[index - 1] === "-m")) return name;
  }
  return undefined;
}

/** Whether a program, script or module is called like one of a kind: `bot.py`, `base_api.worker`, `scheduler`. */
function isCalledSo(name: string, isModule: boolean): boolean {
  const own = name.replace(/\.(?:py|m?js|cjs|ts|rb|php|sh|jar|pl|exs?)$/, "");
  const last = (isModule ? (own.split(".").at(-1) ?? own) : own).split(/[-_.]+/).at(-1) ?? "";
  return wordsForOne.test(last.toLowerCase());
}

/** The word in a service's name that says that it is one of a kind. */
function wordOf(name: string): string | undefined {
  const words = name
    .replaceAll(/([a-z])([A-Z])/g, "$1-$2")
    .toLowerCase()
    .split(/[-_.]+/)
    .map((word) => word.replace(/\d+$/, ""))
    .filter((word) => word !== "");
  if (wordsForMany.test(words.at(-1) ?? "")) return undefined;
  return words.find((word) => wordsForOne.test(word));
}
