import { expect, test } from "vitest";
import { findSingleton, maybeSingleton } from "../../../src/lib/services/singletons.ts";

const facts = { ports: [], volumes: [], entrypoint: [], command: [], environment: {} };

test.each<[string, string]>([
  ["celery -A app worker -B", "celery … -B"],
  ["celery -A app beat -l info", "celery … beat"],
  ["python -m celery -A app worker --loglevel info", "celery … worker"],
  ["sh -c celery -A app beat", "celery … beat"],
  ["poetry run celery -A app worker", "celery … worker"],
  ["rq worker high low", "rq … worker"],
  ["python manage.py rqworker default", "manage.py … rqworker"],
  ["python manage.py qcluster", "manage.py … qcluster"],
  ["python manage.py run_scheduler", "manage.py … run_scheduler"],
  ["dramatiq app.tasks", "dramatiq"],
  ["arq app.worker.Settings", "arq"],
  ["airflow scheduler", "airflow … scheduler"],
  ["bundle exec sidekiq -C config/sidekiq.yml", "sidekiq"],
  ["bin/jobs", "jobs"],
  ["bundle exec rake jobs:work", "rake … jobs:work"],
  ["php artisan queue:work --tries=3", "artisan … queue:work"],
  ["php artisan schedule:work", "artisan … schedule:work"],
  ["php artisan horizon", "artisan … horizon"],
  ["php bin/console messenger:consume async", "console … messenger:consume"],
  ["crond -f -l 2", "crond"],
  ["cron -f", "cron"],
  ["supercronic /etc/crontab", "supercronic"],
  ["python bot.py", "bot.py"],
  ["python -u -m shop.bot", "shop.bot"],
  ["python -m base_api.worker", "base_api.worker"],
  ["node dist/worker.js", "worker.js"],
  ["node telegram-bot.mjs", "telegram-bot.mjs"],
  ["npm run worker", "npm … worker"],
  ["yarn start:scheduler", "yarn … start:scheduler"],
  ["./scheduler --every 5m", "scheduler"],
  ["/usr/local/bin/kafka-consumer", "kafka-consumer"],
  ["bash /kiosk/cron.sh", "cron.sh"],
  ["node dist/scheduler/index.js", "scheduler/index.js"],
  ["node dist/apps/worker/main.js", "worker/main.js"],
  ["python -m app.scheduler.main", "app.scheduler.main"],
  ["python -m worker.__main__", "worker.__main__"],
  ["python bot/src/run.py", "bot/src/run.py"],
  ["./shop worker", "shop worker"],
  ["/entrypoint.sh scheduler", "entrypoint.sh scheduler"],
  ["python main.py run-scheduler", "main.py run-scheduler"],
  ["dotnet App.dll consumer", "App.dll consumer"],
  ["dotnet Shop.Worker.dll", "Shop.Worker.dll"],
  ["node ace queue:listen", "ace … queue:listen"],
  ["php spark queue:work emails", "spark … queue:work"],
  ["python manage.py run_beat", "manage.py … run_beat"],
  ["mix run scheduler.exs", "scheduler.exs"],
  ["python manage.py bot", "manage.py … bot"],
  ["python manage.py consume_orders", "manage.py … consume_orders"],
  ["flask mail-worker", "flask … mail-worker"],
  ["php artisan rabbitmq:consume", "artisan … rabbitmq:consume"],
  ["php bin/console app:worker", "console … app:worker"],
  ["scrapy crawl news", "scrapy … crawl"],
  ["honcho start worker", "honcho … worker"],
  ["node dist/emailWorker.js", "emailWorker.js"],
  ["dotnet Shop.OrderConsumer.dll", "Shop.OrderConsumer.dll"],
  ["./shop --mode=worker", "--mode worker"],
  ["/app/server -role scheduler", "-role scheduler"],
])("%s is one of a kind", (command, expected) => {
  expect(findSingleton("web", { command: command.split(" ") }, undefined)).toBe(`${expected}: a singleton`);
  expect(findSingleton("web", {}, { ...facts, command: command.split(" ") })).toBe(`${expected}: a singleton`);
});

test.each([
  "gunicorn --worker-class uvicorn.workers.UvicornWorker --workers 4 app.wsgi",
  "gunicorn -k gevent --worker-connections 1000 app",
  "uvicorn scheduler:app --host 0.0.0.0",
  "uvicorn bot:app --host 0.0.0.0",
  "celery -A app flower --port 5555",
  "celery -A app inspect ping",
  "python manage.py runserver 0.0.0.0:8000",
  "python server.py --queue jobs",
  "node server.js",
  "npm start",
  "php artisan serve",
  "bin/rails server",
  "bundle exec puma -w 2",
  "wait-for worker:80 -- ./app",
  "./app --with-cron=false",
  "./app serve --worker",
  "./shop api worker",
  "node dist/index.js",
  "node worker-api/main.js",
  "python -m app.scheduler.api",
  "gunicorn worker:app",
  "wait-for worker -- ./app",
  "./app --mode=api",
  "./app --queue-mode worker",
  "php artisan config:cache",
  "php bin/console app:serve",
  "honcho start web",
  "flask run",
  "python manage.py process",
])("%s is not", (command) => {
  expect(findSingleton("web", { command: command.split(" ") }, undefined)).toBeUndefined();
});

test.each([
  "scheduler",
  "farmer_scheduler",
  "impact_dashboard_scheduler",
  "celery",
  "celery-beat",
  "worker",
  "worker-2",
  "queue-worker",
  "telegram-bot",
  "cron",
  "kafka-consumer",
  "sidekiq",
  "horizon",
  "mailWorker",
  "db-backup",
  "search-indexer",
])("a service that is called %s is one of a kind", (name) => {
  expect(findSingleton(name, {}, undefined)).toContain("by its name: a singleton");
});

test.each([
  "web",
  "scheduler-api",
  "bot-dashboard",
  "worker_web",
  "celery-flower",
  "queue-ui",
  "robot",
  "scraping_india",
  "workers-exporter",
  "networker",
  "chronicle",
  "cronometer",
])("a service that is called %s is not", (name) => {
  expect(findSingleton(name, {}, undefined)).toBeUndefined();
});

test.each<[Record<string, string>, string | undefined]>([
  [{ CONTAINER_ROLE: "scheduler" }, "CONTAINER_ROLE=scheduler: a singleton"],
  [{ PROCESS_TYPE: "Worker" }, "PROCESS_TYPE=Worker: a singleton"],
  [{ MODE: "cron" }, "MODE=cron: a singleton"],
  [{ CONTAINER_ROLE: "app", NODE_MODE_X: "worker" }, undefined],
  [{ QUEUE: "worker", WORKER: "scheduler" }, undefined],
])("a service with %j is one of a kind as it says", (environment, expected) => {
  expect(findSingleton("app", { environment }, undefined)).toBe(expected);
  expect(findSingleton("app", {}, { ...facts, environment })).toBe(expected);
});

test.each(["listener", "payment-processor", "crm-sync", "mqtt-bridge", "telegram", "chatbot", "order-publisher"])(
  "a service that is called %s may be one of a kind",
  (name) => {
    expect(findSingleton(name, {}, undefined)).toBeUndefined();
    expect(maybeSingleton(name)).toContain("by its name");
  },
);

test.each(["web", "sync-api", "processor-web", "backend", "agent", "robot", "bot"])("nothing says so of one that is called %s", (name) => {
  expect(maybeSingleton(name)).toBeUndefined();
});
