// test/bench/startup.ts
import { access, constants } from "node:fs/promises";
import { delimiter, join as join4 } from "node:path";

// test/cli/program.ts
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
var PROGRAM = process.env["MYMACHINE_PROGRAM"] ?? join(import.meta.dirname, "../../dist/mymachine.js");
var Sandbox = class _Sandbox {
  home;
  store;
  #env;
  constructor(home, env) {
    this.home = home;
    this.store = env["MACHINE_STORAGE_PATH"] ?? join(home, ".docker", "machine");
    this.#env = env;
  }
  static async make(env = {}) {
    return new _Sandbox(await mkdtemp(join(tmpdir(), "mm-home-")), env);
  }
  /** The whole environment of a run. */
  environment(extra = {}) {
    return { PATH: process.env["PATH"] ?? "", HOME: this.home, USER: "tester", ...this.#env, ...extra };
  }
  run(args, options = {}) {
    return this.exec([PROGRAM, ...args], options);
  }
  /** Any program, in this user's surroundings. */
  exec([program = "", ...args], options = {}) {
    return new Promise((resolve, reject) => {
      const child = spawn(program, args, {
        env: this.environment(options.env),
        cwd: this.home,
        stdio: "pipe"
      });
      let stdout = "";
      let stderr = "";
      child.stdout.setEncoding("utf8").on("data", (text) => stdout += text);
      child.stderr.setEncoding("utf8").on("data", (text) => stderr += text);
      child.on("error", reject);
      child.on(
        "close",
        (code, signal) => resolve({ stdout, stderr, code: code ?? void 0, signal: signal ?? void 0 })
      );
      child.stdin.on("error", () => void 0);
      child.stdin.end(options.input ?? "");
      options.onStart?.(child);
    });
  }
  remove() {
    return rm(this.home, { recursive: true, force: true });
  }
};

// test/bench/measure/engines.ts
import { spawn as spawn2 } from "node:child_process";
import { createServer as createServer2 } from "node:net";

// test/testbed/engine-stub.ts
import { readFile } from "node:fs/promises";
import { createServer as createHttpsServer } from "node:https";
import { createServer } from "node:net";
import { join as join2 } from "node:path";

// src/certs/build.ts
import { createPublicKey, randomBytes, sign, X509Certificate } from "node:crypto";

// src/base/machine-error.ts
var MachineError = class extends Error {
  name = "MachineError";
  code;
  exitCode;
  hint;
  details;
  constructor(code, exitCode, text) {
    super(text.message, text.cause === void 0 ? void 0 : { cause: text.cause });
    this.code = code;
    this.exitCode = exitCode;
    this.hint = text.hint;
    this.details = text.details;
  }
};
function errorsOf(table) {
  return (code, text) => new MachineError(code, table[code].exitCode ?? 1, text);
}
function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}

// src/certs/errors.ts
var certsErrors = {
  MM_CERTS_NAME: { summary: "A name or address cannot stand in a certificate." },
  MM_CERTS_READ: { summary: "A certificate cannot be read." },
  MM_CERTS_KEY: { summary: "A private key cannot be read, or belongs to another certificate." }
};
var certsError = errorsOf(certsErrors);

// src/certs/build.ts
function serialNumber() {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0] ?? 0) & 63 | 64;
  return bytes.toString("hex");
}
function extensions(profile, issuerKeyId) {
  const list = [
    { name: "basicConstraints", critical: true, cA: profile.authority },
    {
      name: "keyUsage",
      critical: true,
      ...Object.fromEntries(profile.keyUsage.map((usage) => [usage, true]))
    },
    { name: "subjectKeyIdentifier" }
  ];
  if (profile.extKeyUsage.length > 0) {
    list.push({
      name: "extKeyUsage",
      ...Object.fromEntries(profile.extKeyUsage.map((usage) => [usage, true]))
    });
  }
  if (profile.sans.length > 0) {
    const altNames = profile.sans.map(
      (san) => san.kind === "dns" ? { type: 2, value: san.text } : { type: 7, value: Buffer.from(san.bytes).toString("latin1") }
    );
    list.push({ name: "subjectAltName", altNames });
  }
  if (issuerKeyId !== void 0) list.push({ name: "authorityKeyIdentifier", keyIdentifier: issuerKeyId });
  return list;
}
function tbsFields(asn1) {
  const tbs = asn1.value[0];
  const fields = [...tbs?.value ?? []];
  if (fields[0]?.tagClass === 128) fields.shift();
  return fields;
}
function issuerOf(forge, certDer) {
  const fields = tbsFields(forge.asn1.fromDer(certDer.toString("latin1")));
  const subject = fields[4];
  if (subject === void 0) {
    throw certsError("MM_CERTS_READ", { message: "the CA certificate has no subject" });
  }
  const wrapped = fields.find((field) => field.tagClass === 128 && field.type === 3);
  const list = wrapped?.value?.[0]?.value ?? [];
  for (const extension of list) {
    const parts = extension.value;
    if (forge.asn1.derToOid(parts[0]?.value) !== "2.5.29.14") continue;
    const inner = forge.asn1.fromDer(parts.at(-1)?.value);
    return { subject, keyId: inner.value };
  }
  return { subject, keyId: void 0 };
}
function signatureAlgorithm(forge, key) {
  const { asn1 } = forge;
  const algorithm = (oid, ...parameters) => asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SEQUENCE, true, [
    asn1.create(asn1.Class.UNIVERSAL, asn1.Type.OID, false, asn1.oidToDer(oid).getBytes()),
    ...parameters
  ]);
  const none = asn1.create(asn1.Class.UNIVERSAL, asn1.Type.NULL, false, "");
  switch (key.asymmetricKeyType) {
    case "rsa":
      return { asn1: algorithm("1.2.840.113549.1.1.11", none), hash: "sha256" };
    case "ec":
      return { asn1: algorithm("1.2.840.10045.4.3.2"), hash: "sha256" };
    case "ed25519":
      return { asn1: algorithm("1.3.101.112"), hash: null };
    default:
      throw certsError("MM_CERTS_KEY", {
        message: `a CA key of type ${String(key.asymmetricKeyType)} cannot sign certificates here`,
        hint: "Use a CA with an RSA, EC or Ed25519 key."
      });
  }
}
async function buildCertificate(subject, profile, signer) {
  const { default: forge } = await import("node-forge");
  const { asn1, pki } = forge;
  const issuer = signer.certDer === void 0 ? void 0 : issuerOf(forge, signer.certDer);
  const cert = pki.createCertificate();
  cert.publicKey = pki.publicKeyFromPem(subject.publicKey);
  cert.serialNumber = serialNumber();
  cert.validity.notBefore = subject.notBefore;
  cert.validity.notAfter = subject.notAfter;
  const type = /^[A-Za-z0-9 '()+,./:=?-]*$/.test(subject.organization) ? asn1.Type.PRINTABLESTRING : asn1.Type.UTF8;
  cert.setSubject([
    // forge's types lack that the tag may be the number it is.
    {
      name: "organizationName",
      value: subject.organization,
      valueTagClass: type
    }
  ]);
  cert.setExtensions(extensions(profile, issuer?.keyId));
  cert.siginfo.algorithmOid = "1.2.840.113549.1.1.11";
  const tbs = pki.getTBSCertificate(cert);
  const fields = tbs.value;
  const algorithm = signatureAlgorithm(forge, signer.key);
  fields[2] = algorithm.asn1;
  const own = fields[5];
  if (own !== void 0) fields[3] = issuer?.subject ?? own;
  const tbsDer = Buffer.from(asn1.toDer(tbs).getBytes(), "latin1");
  const signature = sign(algorithm.hash, tbsDer, signer.key);
  const whole = asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SEQUENCE, true, [
    tbs,
    algorithm.asn1,
    asn1.create(asn1.Class.UNIVERSAL, asn1.Type.BITSTRING, false, `\0${signature.toString("latin1")}`)
  ]);
  const der = Buffer.from(asn1.toDer(whole).getBytes(), "latin1");
  const made = new X509Certificate(der);
  if (!made.verify(createPublicKey(signer.key))) {
    throw certsError("MM_CERTS_KEY", { message: "the certificate just made does not verify" });
  }
  return made.toString();
}

// src/certs/inspect.ts
import { X509Certificate as X509Certificate2 } from "node:crypto";

// src/certs/keys.ts
import { createPrivateKey, generateKeyPair } from "node:crypto";
import { promisify } from "node:util";
var generate = promisify(generateKeyPair);
async function createKey() {
  return await generate("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs1", format: "pem" }
  });
}
function readPrivateKey(pem) {
  try {
    return createPrivateKey(pem);
  } catch (error) {
    const locked = /ENCRYPTED/.test(pem);
    throw certsError("MM_CERTS_KEY", {
      message: locked ? "the private key is protected by a passphrase" : "the private key cannot be read",
      hint: locked ? "Give a key without a passphrase: openssl rsa -in KEY -out PLAIN-KEY" : "Check the key file, or delete the certificate and its key together to have both made anew.",
      // The key itself is never part of what OpenSSL says.
      cause: new Error(messageOf(error))
    });
  }
}

// src/certs/names.ts
import { isIP } from "node:net";
import { domainToASCII } from "node:url";

// src/base/printable.ts
function printable(text, limit = 2e3, multiline = false) {
  const plain = text.slice(0, limit * 4).replace(/\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?)/g, "");
  const spaced = multiline ? plain.replace(/\r\n?/g, "\n") : plain.replace(/[\r\n\t]+/g, " ");
  const safe = spaced.replace(
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
    ""
  );
  return safe.length > limit ? `${safe.slice(0, limit)}\u2026` : safe;
}

// src/certs/names.ts
function ipv4Bytes(address) {
  return Uint8Array.from(address.split("."), Number);
}
function canonicalIpv6(address) {
  const plain = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_tail, ...bytes) => {
    const [a = 0, b = 0, c = 0, d = 0] = bytes.slice(0, 4).map(Number);
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  });
  return new URL(`http://[${plain}]`).hostname.slice(1, -1);
}
function ipv6Bytes(canonical) {
  const [head = "", tail] = canonical.split("::");
  const groups = (text) => text === "" ? [] : text.split(":");
  const before = groups(head);
  const after = tail === void 0 ? [] : groups(tail);
  const zeros = new Array(8 - before.length - after.length).fill("0");
  return Uint8Array.from(
    [...before, ...zeros, ...after].flatMap((group) => {
      const value = Number.parseInt(group, 16);
      return [value >> 8, value & 255];
    })
  );
}
function isDnsName(name) {
  if (name.length > 253) return false;
  const labels = name.split(".");
  if (/^\d+$/.test(labels.at(-1) ?? "")) return false;
  return labels.every(
    (label, at) => /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/i.test(label) || label === "*" && at === 0 && labels.length > 2
  );
}
function subjectName(text) {
  if (isIP(text) === 4) return { kind: "ip", text, bytes: ipv4Bytes(text) };
  if (isIP(text) === 6 && !text.includes("%")) {
    const canonical = canonicalIpv6(text);
    const bytes = ipv6Bytes(canonical);
    const mapped = bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 255 && bytes[11] === 255;
    if (!mapped) return { kind: "ip", text: canonical, bytes };
    return { kind: "ip", text: bytes.subarray(12).join("."), bytes: bytes.slice(12) };
  }
  const ascii = /[\x00-\x20\x7f]/.test(text) ? "" : /^[\x21-\x7e]*$/.test(text) ? text : domainToASCII(text);
  if (isDnsName(ascii)) return { kind: "dns", text: ascii };
  throw certsError("MM_CERTS_NAME", {
    message: `"${printable(text, 100)}" is neither an address nor a host name, so no certificate can be made for it`,
    hint: "Give names such as docker.example.com or addresses such as 192.0.2.10 or 2001:db8::1, one in each --tls-san."
  });
}
function subjectNames(texts) {
  const seen = /* @__PURE__ */ new Map();
  for (const text of texts) {
    const name = subjectName(text);
    const key = `${name.kind} ${name.text.toLowerCase()}`;
    if (!seen.has(key)) seen.set(key, name);
  }
  return [...seen.values()];
}
function organizationName(text) {
  const clean = [...printable(text, 1e3).trim()].slice(0, 64).join("");
  return clean === "" ? "unknown" : clean;
}

// src/certs/inspect.ts
var maxPemLength = 1024 * 1024;
function readCertificate(pem) {
  try {
    if (pem.length > maxPemLength) throw new Error("larger than 1 MiB");
    return new X509Certificate2(pem);
  } catch (error) {
    throw certsError("MM_CERTS_READ", {
      message: "the certificate cannot be read: it is not a PEM certificate",
      hint: "Restore the file from a backup, or have it made anew: mymachine regenerate-certs --client-certs",
      cause: error
    });
  }
}

// src/certs/create.ts
var minuteMs = 6e4;
var dayMs = 864e5;
function subjectOf(request, publicKey) {
  const start = Math.floor(request.now / minuteMs) * minuteMs - 5 * minuteMs;
  return {
    organization: organizationName(request.organization),
    publicKey,
    notBefore: new Date(start),
    notAfter: new Date(start + (request.days ?? 1080) * dayMs)
  };
}
function signerOf(authority) {
  const cert = readCertificate(authority.cert);
  const key = readPrivateKey(authority.key);
  if (!cert.checkPrivateKey(key)) {
    throw certsError("MM_CERTS_KEY", {
      message: "the CA key does not belong to the CA certificate",
      hint: "Restore the pair ca.pem and ca-key.pem from one backup, or delete both and run: mymachine regenerate-certs --client-certs"
    });
  }
  return { key, certDer: cert.raw };
}
async function issue(request, profile, authority) {
  const signer = authority === void 0 ? void 0 : signerOf(authority);
  const key = await createKey();
  const cert = await buildCertificate(
    subjectOf(request, key.publicKey),
    profile,
    signer ?? { key: readPrivateKey(key.privateKey), certDer: void 0 }
  );
  return { cert, key: key.privateKey };
}
function createAuthority(request) {
  const keyUsage = ["digitalSignature", "keyEncipherment", "keyAgreement", "keyCertSign"];
  return issue(request, { authority: true, keyUsage, extKeyUsage: [], sans: [] }, void 0);
}
async function createServerCertificate(authority, request) {
  const profile = {
    authority: false,
    keyUsage: ["digitalSignature", "keyEncipherment", "keyAgreement"],
    extKeyUsage: request.clientAuth === true ? ["serverAuth", "clientAuth"] : ["serverAuth"],
    sans: subjectNames(request.sans)
  };
  return await issue(request, profile, authority);
}

// src/engine/api-version.ts
var shape = /^(\d{1,3})\.(\d{1,4})$/;
function compareApiVersions(a, b) {
  const [, majorA = 0, minorA = 0] = shape.exec(a) ?? [];
  const [, majorB = 0, minorB = 0] = shape.exec(b) ?? [];
  return Number(majorA) - Number(majorB) || Number(minorA) - Number(minorB);
}

// test/testbed/engine-stub.ts
var AGES = {
  expired: { made: -10, days: 5 },
  expiring: { made: -10, days: 30 },
  early: { made: 10, days: 1080 }
};
var DAY_MS = 24 * 36e5;
async function serverIdentity(options) {
  const { certDir, certificate = "good" } = options;
  const [cert, key] = await Promise.all(
    ["ca.pem", "ca-key.pem"].map((file) => readFile(join2(certDir, file), "utf8"))
  );
  const own = { cert: cert ?? "", key: key ?? "" };
  const now = Date.now();
  const ca = certificate === "foreign" ? await createAuthority({ organization: "stranger", now }) : own;
  const age = AGES[certificate];
  const pair = await createServerCertificate(ca, {
    organization: "tester.engine",
    now: now + (age?.made ?? 0) * DAY_MS,
    days: age?.days ?? 1080,
    sans: certificate === "other-name" ? ["192.0.2.99"] : ["127.0.0.1", "localhost"],
    clientAuth: false
  });
  return { ca: own.cert, cert: pair.cert, key: pair.key, requestCert: true, rejectUnauthorized: true };
}
function json(response, status, value) {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(`${JSON.stringify(value)}
`);
}
function answering({
  version = "28.5.2",
  api = "1.51",
  minApi = "1.24"
}) {
  return (request, response) => {
    const [, asked, path = ""] = /^(?:\/v(\d+\.\d+))?(\/[^?]*)/.exec(request.url ?? "") ?? [];
    response.setHeader("Api-Version", api);
    response.setHeader("Ostype", "linux");
    response.setHeader("Server", `Docker/${version} (linux)`);
    if (asked !== void 0 && compareApiVersions(asked, minApi) < 0) {
      const message = `client version ${asked} is too old. Minimum supported API version is ${minApi}, please upgrade your client to a newer version`;
      return json(response, 400, { message });
    }
    if (asked !== void 0 && compareApiVersions(asked, api) > 0) {
      const message = `client version ${asked} is too new. Maximum supported API version is ${api}`;
      return json(response, 400, { message });
    }
    if (path === "/_ping") return void response.end("OK");
    if (path === "/version")
      return json(response, 200, {
        Version: version,
        ApiVersion: api,
        MinAPIVersion: minApi,
        Os: "linux",
        Arch: "amd64"
      });
    if (path === "/info")
      return json(response, 200, { Name: "engine", ServerVersion: version, Containers: 0 });
    return json(response, 404, { message: "page not found" });
  };
}
async function startEngineStub(options) {
  let engine;
  const open = /* @__PURE__ */ new Set();
  const accept = async (socket) => {
    open.add(socket);
    socket.on("error", () => void 0).on("close", () => open.delete(socket));
    engine ??= serverIdentity(options).then((identity) => createHttpsServer(identity, answering(options)));
    (await engine).emit("connection", socket);
  };
  const server = createServer((socket) => void accept(socket).catch(() => socket.destroy()));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    address: `127.0.0.1:${server.address().port}`,
    close: async () => {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(() => resolve()));
    }
  };
}

// test/bench/measure/engines.ts
var FLAG = "--engines";
function startEngines(certDir, count) {
  const child = spawn2(process.execPath, [process.argv[1] ?? "", FLAG, certDir, String(count)], {
    stdio: ["pipe", "pipe", "inherit"]
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.stdout.setEncoding("utf8").once("data", (line) => {
      const { live, silent } = JSON.parse(line);
      resolve({ live, silent, close: () => child.kill() });
    });
  });
}
async function serveEngines(argv) {
  const [flag, certDir = "", count = "1"] = argv;
  if (flag !== FLAG) return false;
  const stubs = await Promise.all(Array.from({ length: Number(count) }, () => startEngineStub({ certDir })));
  const mute = createServer2((socket) => socket.on("error", () => void 0));
  await new Promise((resolve) => mute.listen(0, "127.0.0.1", resolve));
  const { port } = mute.address();
  console.log(JSON.stringify({ live: stubs.map(({ address }) => address), silent: `127.0.0.1:${port}` }));
  process.stdin.on("end", () => process.exit(0)).resume();
  return true;
}

// test/bench/measure/processes.ts
import { spawn as spawn3 } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
var TIMED = `out=$1; shift
TIMEFORMAT='%U %S'
cpu=$( { time { begin=$EPOCHREALTIME; "$@" >"$out" 2>/dev/null </dev/null; code=$?; end=$EPOCHREALTIME; echo "$begin $end $code"; } ; } 2>&1 )
echo $cpu`;
function capture(argv, env) {
  const [program = "", ...args] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn3(program, args, { env, stdio: ["ignore", "pipe", "inherit"] });
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (piece) => text += piece);
    child.on("error", reject).on("close", () => resolve(text));
  });
}
async function timed(argv, env, outPath) {
  const line = await capture(["bash", "-c", TIMED, "bash", outPath, ...argv], env);
  const [begin = 0, end = 0, exitCode = 1, user = 0, system = 0] = line.trim().split(/\s+/).map(Number);
  return {
    wallMs: (end - begin) * 1e3,
    cpuMs: (user + system) * 1e3,
    exitCode,
    stdout: readFileSync(outPath, "utf8")
  };
}
function children(pid) {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap(
      (task) => readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" ").filter(Boolean).map(Number)
    );
  } catch {
    return [];
  }
}
function highWaterKb(pid) {
  try {
    return Number(/VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
  } catch {
    return 0;
  }
}
function peakMemory(argv, env) {
  const [program = "", ...args] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn3(program, args, { env, stdio: "ignore" });
    const marks = /* @__PURE__ */ new Map();
    const look = (pid) => {
      if (pid === void 0) return;
      marks.set(pid, Math.max(marks.get(pid) ?? 0, highWaterKb(pid)));
      for (const other of children(pid)) look(other);
    };
    const timer = setInterval(() => look(child.pid), 2);
    child.on("error", reject).on("close", () => {
      clearInterval(timer);
      resolve([...marks.values()].reduce((sum, kb) => sum + kb, 0) / 1024);
    });
  });
}

// test/bench/measure/statistics.ts
function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}
function ms(value) {
  return value < 100 ? value.toFixed(1) : value.toFixed(0);
}
function spread(values) {
  return `${ms(median(values))} (${ms(Math.min(...values))}-${ms(Math.max(...values))})`;
}

// test/bench/measure/stores.ts
import { cp, mkdir, readFile as readFile2, writeFile } from "node:fs/promises";
import { join as join3 } from "node:path";
var FIRST = "m000";
async function makeFirst(sandbox) {
  const made = await sandbox.run(["create", "-d", "none", "--url", "tcp://127.0.0.1:1", FIRST]);
  if (made.code !== 0) throw new Error(made.stderr);
}
async function makeStore(sandbox, title, addresses) {
  const store = join3(sandbox.home, title);
  const model = join3(sandbox.store, "machines", FIRST);
  await mkdir(join3(store, "machines"), { recursive: true });
  await cp(join3(sandbox.store, "certs"), join3(store, "certs"), { recursive: true });
  for (const [index, address] of addresses.entries()) {
    const name = `m${String(index).padStart(3, "0")}`;
    const folder = join3(store, "machines", name);
    await cp(model, folder, { recursive: true });
    const config = await readFile2(join3(folder, "config.json"), "utf8");
    const own = config.replaceAll(sandbox.store, store).replaceAll(FIRST, name).replaceAll('tcp://127.0.0.1:1"', `tcp://${address}"`);
    await writeFile(join3(folder, "config.json"), own);
  }
  return store;
}

// test/bench/startup.ts
var YARDSTICK = "node -e 0";
var NPM = "npm build";
var EXECUTABLE = "executable";
var OLD = "docker-machine";
var REFERENCE = { version: 7, env: 39, inspect: 16, url: 19, status: 16 };
var REFERENCE_NODE_MS = 63;
async function findOld() {
  const named = process.env["DOCKER_MACHINE"];
  if (named !== void 0) return named;
  for (const folder of (process.env["PATH"] ?? "").split(delimiter)) {
    const path = join4(folder, OLD);
    const isThere = await access(path, constants.X_OK).then(
      () => true,
      () => false
    );
    if (isThere) return path;
  }
  return void 0;
}
async function measure(ways, one, env, outPath) {
  const runs = new Map(ways.map((way) => [way.title, []]));
  const argv = (way) => way.fixed === true ? way.argv : [...way.argv, ...one.args];
  const own = { ...env, MACHINE_STORAGE_PATH: one.store };
  for (let round = 0; round <= one.rounds; round += 1) {
    for (const way of ways) {
      const run = await timed(argv(way), own, outPath);
      if (run.exitCode !== 0 || !(way.fixed === true || one.holds(run.stdout)))
        throw new Error(`${argv(way).join(" ")} ended with ${run.exitCode}:
${run.stdout}`);
      if (round > 0) runs.get(way.title)?.push(run);
    }
  }
  const measured = /* @__PURE__ */ new Map();
  for (const way of ways) {
    const peaks = [];
    for (let round = 0; round < 3; round += 1) peaks.push(await peakMemory(argv(way), own));
    measured.set(way.title, { runs: runs.get(way.title) ?? [], peakMib: Math.max(...peaks) });
  }
  return measured;
}
var wall = (measured) => median(measured?.runs.map((run) => run.wallMs) ?? []);
function ratio(results, title, other = YARDSTICK) {
  return wall(results.get(title)) / wall(results.get(other));
}
function show(one, results) {
  console.log(`
${one.title} (median of ${one.rounds}, min-max)`);
  for (const [title, measured] of results) {
    const walls = spread(measured.runs.map((run) => run.wallMs)).padEnd(24);
    const cpu = ms(median(measured.runs.map((run) => run.cpuMs)));
    const of = ratio(results, title).toFixed(2);
    console.log(
      `  ${title.padEnd(15)} ${walls} ms   CPU ${cpu.padStart(6)} ms   ${measured.peakMib.toFixed(0).padStart(4)} MiB   ${of} x ${YARDSTICK}`
    );
  }
}
function cases(engines, stores) {
  const quick = { rounds: 21, store: stores["1"] ?? "" };
  const answers = (count) => (stdout) => stdout.split(" v28.5.2").length - 1 === count;
  const lines = (count) => (stdout) => stdout.trim().split("\n").length === count;
  const word = (text) => (stdout) => stdout.includes(text);
  const sizes = [1, 10, 50, 500].flatMap((count) => {
    const base = { rounds: count > 50 ? 3 : 7, store: stores[count] ?? "" };
    return [
      { ...base, title: `ls -q, ${count} machines`, args: ["ls", "-q"], holds: lines(count) },
      { ...base, title: `ls, ${count} machines`, args: ["ls"], holds: answers(count) }
    ];
  });
  return [
    { ...quick, title: "version", args: ["version"], holds: word("version") },
    { ...quick, title: "env", args: ["env", "--shell", "bash", "m000"], holds: word("DOCKER_HOST") },
    { ...quick, title: "inspect", args: ["inspect", "m000"], holds: word('"ConfigVersion"') },
    { ...quick, title: "url", args: ["url", "m000"], holds: word(engines.live[0] ?? "") },
    { ...quick, title: "status", args: ["status", "m000"], holds: word("Running") },
    ...sizes,
    ...[
      { title: "ls, a refused port among 10", store: "refused", silent: 0 },
      { title: "ls -t 2, 1 silent host of 10", store: "silent1", silent: 1 },
      { title: "ls -t 2, 5 silent hosts of 10", store: "silent5", silent: 5 }
    ].map(({ title, store, silent }) => ({
      title,
      args: ["ls", "-t", "2"],
      store: stores[store] ?? "",
      rounds: 5,
      holds: answers(silent === 0 ? 9 : 10 - silent)
    }))
  ];
}
function aim(text, value, bound, unit) {
  const digits = bound < 10 ? 2 : 0;
  const verdict = value <= bound ? "met" : `missed by ${(value - bound).toFixed(digits)} ${unit}`;
  console.log(
    `  ${text.padEnd(62)} ${value.toFixed(digits)} ${unit}, at most ${bound.toFixed(digits)}: ${verdict}`
  );
}
function verdicts(all, hasOld) {
  const of = (title) => all.get(title) ?? /* @__PURE__ */ new Map();
  console.log(
    `
Aims${hasOld ? "" : ` (docker-machine is not here; its figures are those of a computer whose ${YARDSTICK} took ${REFERENCE_NODE_MS} ms)`}`
  );
  for (const [title, reference] of Object.entries(REFERENCE)) {
    const results = of(title);
    const factor = title === "version" ? 1.5 : 1;
    const bound = hasOld ? wall(results.get(OLD)) / wall(results.get(YARDSTICK)) : reference / REFERENCE_NODE_MS;
    const name = `executable: ${title} within ${factor} x docker-machine's`;
    aim(name, ratio(results, EXECUTABLE), factor * bound, `x ${YARDSTICK}`);
  }
  const fifty = of("ls, 50 machines");
  const [own, old] = [fifty.get(EXECUTABLE), fifty.get(OLD)];
  if (own !== void 0 && old !== void 0) {
    aim("executable: ls of 50 at least 4 x faster than docker-machine", wall(own), wall(old) / 4, "ms");
    aim("executable: ls of 50 in an eighth of its memory", own.peakMib, old.peakMib / 8, "MiB");
  } else if (own !== void 0) {
    console.log(
      `  executable: ls of 50 takes ${ms(wall(own))} ms and ${own.peakMib.toFixed(0)} MiB: met when docker-machine takes ${ms(4 * wall(own))} ms and ${(8 * own.peakMib).toFixed(0)} MiB`
    );
  }
  const env = of("env");
  const scale = wall(env.get(YARDSTICK)) / REFERENCE_NODE_MS;
  aim(
    `npm build: env within 15 ms of ${YARDSTICK} (scaled by its ${REFERENCE_NODE_MS} ms)`,
    (wall(env.get(NPM)) - wall(env.get(YARDSTICK))) / scale,
    15,
    "ms"
  );
  for (const title of [NPM, EXECUTABLE]) {
    const [one, five] = ["1 silent host", "5 silent hosts"].map(
      (name) => wall(of(`ls -t 2, ${name} of 10`).get(title))
    );
    aim(
      `${title}: 5 silent hosts cost ls no more than 1 does (+0.5 s)`,
      five ?? Number.NaN,
      (one ?? 0) + 500,
      "ms"
    );
  }
}
async function main() {
  const root = join4(import.meta.dirname, "../..");
  const sandbox = await Sandbox.make();
  await makeFirst(sandbox);
  const engines = await startEngines(join4(sandbox.store, "certs"), 10);
  const live = (count) => Array.from({ length: count }, (_, index) => engines.live[index % engines.live.length] ?? "");
  const silent = (count) => Array(count).fill(engines.silent);
  const stores = {};
  for (const count of [1, 10, 50, 500]) stores[count] = await makeStore(sandbox, String(count), live(count));
  stores["refused"] = await makeStore(sandbox, "refused", [...live(9), "127.0.0.1:1"]);
  stores["silent1"] = await makeStore(sandbox, "silent1", [...silent(1), ...live(9)]);
  stores["silent5"] = await makeStore(sandbox, "silent5", [...silent(5), ...live(5)]);
  const old = await findOld();
  if (old === void 0)
    console.log(
      "docker-machine is not measured: name its binary with DOCKER_MACHINE=/path/to/docker-machine"
    );
  const ways = [
    { title: YARDSTICK, argv: [process.execPath, "-e", "0"], fixed: true },
    { title: NPM, argv: [process.execPath, join4(root, "dist", "mymachine.js")] },
    { title: EXECUTABLE, argv: [join4(root, "dist-binary", "mymachine")] },
    ...old === void 0 ? [] : [{ title: OLD, argv: [old] }]
  ];
  const [, , ...wanted] = process.argv;
  const all = /* @__PURE__ */ new Map();
  for (const one of cases(engines, stores)) {
    if (wanted.length > 0 && !wanted.some((word) => one.title.includes(word))) continue;
    const results = await measure(ways, one, sandbox.environment(), join4(sandbox.home, "out"));
    show(one, results);
    all.set(one.title, results);
  }
  if (wanted.length === 0) verdicts(all, old !== void 0);
  engines.close();
  await sandbox.remove();
}
if (!await serveEngines(process.argv.slice(2))) {
  await main();
  process.exit(0);
}
