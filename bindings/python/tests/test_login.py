"""What a login asks of its application."""
import asyncio
import base64
import logging

import epode
from fixture import TIME, Case, main


class Password(Case):
    async def ask(self, *answers, **more):
        """A client that is asked; what it was asked for."""
        asked = []

        async def on_password(why):
            asked.append(why)
            await asyncio.sleep(0)
            answer = answers[len(asked) - 1]
            if isinstance(answer, Exception):
                raise answer
            return answer
        return self.client(password=None, on_password=on_password, **more), asked

    async def test_it_is_asked_for_once_and_then_remembered(self):
        client, asked = await self.ask("alice-pw")
        async with client:
            await client.ready(TIME)
        client, again = await self.ask("alice-pw")
        async with client:
            await client.ready(TIME)
        self.assertEqual((asked, again), ([epode.Ask.NEEDED], []))

    async def test_a_wrong_one_is_asked_for_again_and_then_it_is_over(self):
        client, asked = await self.ask("wrong", "alice-pw")
        async with client:
            await client.ready(TIME)
        self.assertEqual(asked, [epode.Ask.NEEDED, epode.Ask.REFUSED])
        client, asked = await self.ask("wrong", "wrong", store=None)
        async with client:
            with self.assertRaises(epode.AuthError):
                await client.ready(TIME)

    async def test_none_gives_up(self):
        client, _ = await self.ask(None)
        async with client:
            with self.assertRaises(epode.AbortedError):
                await client.ready(TIME)

    async def test_what_it_raises_is_told_and_gives_up(self):
        told = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context["exception"]))
        client, _ = await self.ask(RuntimeError("no keyring"))
        async with client:
            with self.assertRaises(epode.AbortedError):
                await client.ready(TIME)
        self.assertEqual([str(problem) for problem in told], ["no keyring"])

    async def test_closed_while_it_is_asked(self):
        began = asyncio.Event()

        async def on_password(why):
            began.set()
            await asyncio.sleep(3600)
        async with self.client(password=None, on_password=on_password):
            await asyncio.wait_for(began.wait(), TIME)

    async def test_an_oauth_token(self):
        self.server.feature("oauth-token", "t0ken")
        self.server.feature("mechanisms", "OAUTHBEARER")
        client, asked = await self.ask(epode.OAuthToken("t0ken"))
        async with client:
            self.assertEqual((await client.ready(TIME)).mechanism, "OAUTHBEARER")
        self.assertEqual(asked, [epode.Ask.NEEDED])

    async def test_nothing_secret_is_shown(self):
        lines = []
        handler = logging.Handler()
        handler.emit = lambda record: lines.append(record.getMessage())
        logger = logging.getLogger("epode")
        logger.addHandler(handler)
        logger.setLevel(1)
        self.addCleanup(logger.setLevel, logging.NOTSET)
        self.addCleanup(logger.removeHandler, handler)
        client = self.client(log_level=epode.LogLevel.TRACE)
        self.assertNotIn("alice-pw", repr(vars(client)))
        async with client:
            await client.ready(TIME)
        text = "\n".join(lines)
        self.assertIn("authenticate", text)
        for secret in ("alice-pw", base64.b64encode(b"alice-pw").decode()):
            self.assertNotIn(secret, text)


class SecondFactor(Case):
    server_args = ("--feature", "second-factor=123456")

    async def test_it_is_answered(self):
        asked = []

        async def on_task(task):
            asked.append(task)
            code = base64.b64encode(b"123456").decode()
            return epode.TaskAnswer(task.names[0], f"<totp xmlns='urn:totp:example'>{code}</totp>")
        async with self.client(on_task=on_task) as client:
            await client.ready(TIME)
        self.assertEqual(asked[0].names, ("TOTP-EXAMPLE",))

    async def test_it_is_not(self):
        async def nothing(task):
            return None

        async def nonsense(task):
            return epode.TaskAnswer("no such task", "<x xmlns='urn:example'/>")
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
        for on_task, error in ((nothing, epode.AbortedError), (nonsense, epode.AbortedError), (None, epode.AuthError)):
            async with self.client(on_task=on_task, store=None) as client:
                with self.assertRaises(error):
                    await client.ready(TIME)


if __name__ == "__main__":
    main()
