import { expect, test } from "vitest";
import { parseDotenv } from "../../../src/lib/config/values/dotenv.ts";
import { redactor } from "../../../src/lib/secrets/redactor.ts";
import { failure } from "./project.ts";

const read = (text: string) => Object.fromEntries(parseDotenv(text));

test("values arrive as they were meant, dollar signs included", () => {
  const text = `# a comment
  # another

PLAIN=value
export EXPORTED=yes
DOLLAR=p$ss\${X}$$
SINGLE='p$ss#x "q" \\n'
DOUBLE="it's\\$X, \\"q\\" \\\\ \\t| \\n| \\r| \\d $Y \${Z}"
HASH=a#b
COMMENT=a b   # rest
ONLY_COMMENT= # rest
QUOTED_COMMENT='a # b' # rest
EMPTY=
EMPTY_QUOTED=""
SPACES=   a  b\t
EQUALS=a=b==
INNER=a"b"c'd'
TWO_LINES="one
  two # three"
TWO_SINGLE='one
two'
UMLAUT=Käse 🧀
dotted.name-x=1
BACKSLASH=C:\\new
LAST=end`;
  expect(read(text)).toEqual({
    PLAIN: "value",
    EXPORTED: "yes",
    DOLLAR: "p$ss${X}$$",
    SINGLE: 'p$ss#x "q" \\n',
    DOUBLE: `it's$X, "q" \\ \t| \n| \r| \\d $Y \${Z}`,
    HASH: "a#b",
    COMMENT: "a b",
    ONLY_COMMENT: "",
    QUOTED_COMMENT: "a # b",
    EMPTY: "",
    EMPTY_QUOTED: "",
    SPACES: "a  b",
    EQUALS: "a=b==",
    INNER: `a"b"c'd'`,
    TWO_LINES: "one\n  two # three",
    TWO_SINGLE: "one\ntwo",
    UMLAUT: "Käse 🧀",
    "dotted.name-x": "1",
    BACKSLASH: "C:\\new",
    LAST: "end",
  });
});

test("line ends of Windows and a byte order mark make no difference", () => {
  expect(read("\uFEFFA=1\r\nB=\"x\r\ny\"\r\nC=' z '\r\n")).toEqual({ A: "1", B: "x\ny", C: " z " });
});

test("every bad line is reported with its number and nothing of its value", async () => {
  const text = `GOOD=1
s3cret
SPACE = s3cret
1ST=s3cret
=s3cret
OPEN='s3cret
GOOD=s3cret
AFTER="a" s3cret
MULTI="a
b" s3cret
LAST="s3cret`;
  const error = await failure(() => parseDotenv(text, { source: ".env.staging" }));
  expect(error).toMatchObject({ code: "DOTENV_INVALID", exit: "usage" });
  expect(error.message).toBe("The dotenv (.env.staging) has 10 lines that cannot be read; nothing was done.");
  expect(error.details).toEqual([
    ".env.staging:2  this is no assignment",
    ".env.staging:3  SPACE: there is a space before the =",
    ".env.staging:4  this is no assignment",
    ".env.staging:5  this is no assignment",
    ".env.staging:6  OPEN: the ' is never closed",
    ".env.staging:7  GOOD is there already, in line 1",
    '.env.staging:8  AFTER: there is text after the closing "',
    '.env.staging:9  MULTI: there is text after the closing "',
    ".env.staging:10  this is no assignment",
    '.env.staging:11  LAST: the " is never closed',
  ]);
  expect(JSON.stringify(error)).not.toContain("s3cret");
});

test.each(["", "\n\n", "# only\n# comments\n"])("an empty dotenv is refused", async (text) => {
  expect(await failure(() => parseDotenv(text, { source: "STAGING_DOT_ENV" }))).toMatchObject({
    code: "DOTENV_EMPTY",
    exit: "usage",
    message: "The dotenv (STAGING_DOT_ENV) is empty; nothing was done.",
  });
});

test("what looks sensitive is kept out of output; public and harmless values are not", () => {
  parseDotenv(
    "LONG=a-long-value\nAPI_TOKEN=t0k3n1\nSTAGE=production-like\nPOSTGRES_IMAGE=r.example.com/postgres:15\nVALKEY_HOST=198.18.0.2\nMAIL=mail.example.com:25\n",
    {
      publicWords: { values: new Set(["production-like"]), names: new Set(["POSTGRES_IMAGE"]) },
    },
  );
  const text = "a-long-value t0k3n1 production-like r.example.com/postgres:15 198.18.0.20 mail.example.com:25";
  expect(redactor.redact(text)).toBe("*** *** production-like r.example.com/postgres:15 198.18.0.20 mail.example.com:25");
});

test("what sounds secret and cannot be kept out of output is told of, once each; what is about secrets is not", () => {
  const told: string[] = [];
  redactor.onWeak = (name, weakness) => told.push(`${name} is ${weakness}`);
  const text =
    "DB_PASSWORD=start\nPIN=1234\nADMIN_PASSWORD=production\nMQ_PASSWORD=shop\nTOKEN_TTL=60\nSECRET_ENABLED=true\nKEY_FILE=/k\nAPI_KEY=\nDEBUG=1\nSTAGE=prod\n";
  const publicWords = { values: new Set(["shop"]), names: new Set<string>() };
  for (const source of ["a", "b"]) parseDotenv(text, { source, publicWords });
  redactor.onWeak = () => {};
  expect(told.filter((each) => /PASSWORD|PIN|TOKEN|SECRET|KEY|DEBUG|STAGE/.test(each))).toEqual([
    "DB_PASSWORD is too short",
    "PIN is too short",
    "ADMIN_PASSWORD is an ordinary word",
    "MQ_PASSWORD is an ordinary word",
  ]);
  expect(redactor.redact("restarting production of the shop: 1234")).toBe("restarting production of the shop: 1234");
});
