"""Forks, Ctrl-C, and the interpreter's end, each in a process of its own."""
import signal
import subprocess
import time

from fixture import PlainCase, main


class Processes(PlainCase):
    def test_a_forked_child_may_not_touch_it(self):
        code, out, err = self.run_script("""
async def main():
    client = alice()
    async with client:
        await client.ready(20)
        pid = os.fork()
        if pid == 0:
            for call in (client.start, client.abort, lambda: client.state, lambda: client.store.messages()):
                try:
                    call()
                    os._exit(2)
                except epode.ForkedError:
                    pass
            handle = client._handle
            handle.close()      # as the end of the interpreter does
            os._exit(0)
        print("child", os.waitpid(pid, 0)[1])
        await (await client.send("bob@localhost", "still there")).delivered(timeout=20)
        print("sent")
asyncio.run(main())
""")
        self.assertEqual((code, out, err), (0, "child 0\nsent\n", ""))

    def test_a_forked_child_that_exits_leaves_the_parent_alone(self):
        code, out, err = self.run_script("""
client = blocking.Client("alice@localhost", "alice-pw", **OPTIONS)
with client:
    client.ready(20)
    pid = os.fork()
    if pid == 0:
        sys.exit(7)             # with all that is done at an interpreter's end
    print("child", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    client.send("bob@localhost", "still there", wait=True, timeout=20)
    print("sent", client.session.resumed)
""", "-W", "ignore")
        self.assertEqual(code, 0, err)
        # The child leaves the `with` as well, and is told that the client is not its own.
        self.assertIn("child 1\nsent False", out)
        self.assertIn("ForkedError", err)

    def test_the_interpreter_ends_with_an_open_client(self):
        for text in ("""
async def main():
    global client
    client = alice()
    client.open()
    client.start()
    await client.ready(20)
    asyncio.ensure_future(client.ping())
    await asyncio.sleep(0)
asyncio.run(main())
print("done")
""", """
client = blocking.Client("alice@localhost", "alice-pw", **OPTIONS)
client.open()
client.ready(20)
print("done")
sys.exit(0)
""", """
async def main():
    async with alice() as client:
        await client.ready(20)
        print("done")
        sys.exit(0)
asyncio.run(main())
"""):
            with self.subTest(text):
                code, out, err = self.run_script(text)
                self.assertEqual((code, out, err), (0, "done\n", ""))

    def interrupted(self, text, args=()):
        with self.script(text, *args) as process:
            try:
                self.assertEqual(process.stdout.readline(), "waiting\n")
                while not self.counter("connections"):
                    time.sleep(0.01)
                process.send_signal(signal.SIGINT)
                out, err = process.communicate(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        self.assertIn("closed True {}", out)
        self.assertIn("KeyboardInterrupt", err)
        self.assertNotIn("was not closed", err)
        self.assertEqual(process.returncode, -signal.SIGINT)

    def test_ctrl_c_during_connect(self):
        self.server.fault("silent-after-header", "on")
        self.interrupted("""
client = alice()
async def main():
    async with client:
        print("waiting")
        await client.ready()
try:
    asyncio.run(main())
finally:
    print("closed", client.closed, epode.live())
""", ("-X", "dev"))

    def test_ctrl_c_in_a_blocking_call(self):
        self.server.fault("silent-after-header", "on")
        self.interrupted("""
client = blocking.Client("alice@localhost", "alice-pw", **OPTIONS)
try:
    with client:
        client._loop.call_later(0.05, print, "waiting")  # from within the next call
        try:
            client.ready()
        except KeyboardInterrupt:
            assert not asyncio.all_tasks(client._loop)  # nothing of it goes on
            assert client.state == epode.State.CONNECTING
            raise
finally:
    print("closed", client.client.closed, epode.live())
""", ("-X", "dev"))

    def test_what_is_raised_while_c_calls_comes_out_behind_it(self):
        code, out, err = self.run_script("""
import logging
class Handler(logging.Handler):
    def emit(self, record):
        if problems:
            raise problems.pop()
logging.getLogger("epode").addHandler(Handler())
logging.getLogger("epode").setLevel(1)
problems = [SystemExit(3), RuntimeError("of a handler")]
async def main():
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: print("told", context.get("exception", context)))
    client = alice(log_level=epode.LogLevel.TRACE)
    try:
        async with client:
            await client.ready(20)
    finally:
        client.abort()
        print("closed", client.closed, epode.live())
asyncio.run(main())
""")
        self.assertEqual((code, out, err), (3, "told of a handler\nclosed True {}\n", ""))

    def test_ctrl_c_while_messages_come(self):
        self.interrupted("""
client = alice()
async def main():
    async with client:
        await client.ready(20)
        print("waiting")
        async for event in client.events():
            pass
try:
    asyncio.run(main())
finally:
    print("closed", client.closed, epode.live())
""")


if __name__ == "__main__":
    main()
