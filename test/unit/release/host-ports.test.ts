import * as fc from "fast-check";
import { expect, test } from "vitest";
import { parseCapacity } from "../../../src/lib/host/capacity.ts";
import { blocks, parsePublished, parseSocket, wantedPorts, type HostPort } from "../../../src/lib/compose/host-ports.ts";

const port = (address: string, number = 80, protocol: HostPort["protocol"] = "tcp"): HostPort => ({ protocol, address, port: number });

test("sockets are read as the kernel writes them", () => {
  expect(parseSocket("tcp", "0100007F:1F90")).toEqual(port("127.0.0.1", 8080));
  expect(parseSocket("udp", "00000000:0035")).toEqual(port("0.0.0.0", 53, "udp"));
  expect(parseSocket("tcp6", "00000000000000000000000000000000:0050")).toEqual(port("::"));
  expect(parseSocket("tcp6", "00000000000000000000000001000000:0050")).toEqual(port(`${"0".repeat(31)}1`));
  expect(parseSocket("tcp6", "0000000000000000FFFF00000100007F:0050")).toEqual(port("127.0.0.1"));
  expect(parseSocket("udplite", "00000000:0035")).toBeUndefined();
});

test("published ports are read in all forms of docker ps", () => {
  expect(parsePublished("0.0.0.0:80->80/tcp, :::80->80/tcp, [::1]:5353->53/udp, 443/tcp, 127.0.0.1:8000-8001->8000-8001/tcp")).toEqual([
    port("0.0.0.0"),
    port("::"),
    port(`${"0".repeat(31)}1`, 5353, "udp"),
    port("127.0.0.1", 8000),
    port("127.0.0.1", 8001),
  ]);
});

test("a Compose port asks for both families, an address of its own, one of a range, or anything", () => {
  expect(wantedPorts({ target: 8000, published: "80" })).toEqual([[port("0.0.0.0"), port("::")]]);
  expect(wantedPorts({ target: 53, published: "53", protocol: "udp", host_ip: "127.0.0.1" })).toEqual([[port("127.0.0.1", 53, "udp")]]);
  expect(wantedPorts({ target: 80, published: "8080-8082", host_ip: "::1" })).toHaveLength(3);
  expect(wantedPorts({ target: 80 })).toEqual([]);
  expect(wantedPorts({ target: 80, published: "0" })).toEqual([]);
});

test("one address beside another one is free; one for all addresses is not", () => {
  expect(blocks(port("127.0.0.1"), port("127.0.0.2"))).toBe(false);
  expect(blocks(port("127.0.0.1"), port("127.0.0.1", 80, "udp"))).toBe(false);
  expect(blocks(port("127.0.0.1"), port("0.0.0.0"))).toBe(true);
  expect(blocks(port("0.0.0.0"), port("127.0.0.1"))).toBe(true);
  expect(blocks(port("0.0.0.0"), port("::"))).toBe(false);
  expect(blocks(port("::"), port("127.0.0.1"))).toBe(true);
});

test("what the kernel says of an address is what people write", () => {
  const hex = (bytes: readonly number[]) => bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
  fc.assert(
    fc.property(fc.ipV6(), fc.integer({ min: 1, max: 65_535 }), (address, number) => {
      const [[wanted] = []] = wantedPorts({ target: 1, published: String(number), host_ip: address });
      const written = new URL(`http://[${address}]`).hostname;
      const again = wantedPorts({ target: 1, published: String(number), host_ip: written });
      expect(again).toEqual([[wanted]]);
    }),
  );
  fc.assert(
    fc.property(fc.array(fc.nat(255), { minLength: 4, maxLength: 4 }), (bytes) => {
      const [[wanted] = []] = wantedPorts({ target: 1, published: "80", host_ip: bytes.join(".") });
      expect(parseSocket("tcp", `${hex(bytes.toReversed()).toUpperCase()}:0050`)).toEqual(wanted);
    }),
  );
});

test("a host's facts are read; what it could not see is absent", () => {
  expect(parseCapacity("")).toEqual({ used: {}, published: [], sockets: [] });
  expect(
    parseCapacity(
      [
        "used\tc1\t1024",
        "memory\t4096\t2048",
        "disk\t/var/lib/docker\t512",
        "publishes\t-\tother\t0.0.0.0:80->80/tcp",
        "listens\ttcp\t00000000:0050",
      ].join("\n"),
    ),
  ).toEqual({
    memory: { total: 4096, available: 2048 },
    disk: { path: "/var/lib/docker", free: 512 },
    used: { c1: 1024 },
    published: [{ project: "-", container: "other", ports: [port("0.0.0.0")] }],
    sockets: [port("0.0.0.0")],
  });
});
