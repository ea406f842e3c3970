"""What needs no server: names, values that are not known yet, errors."""
import epode
from epode import errors, handle
from fixture import PlainCase, main


class Names(PlainCase):
    def test_every_failing_status_has_a_class_of_its_own(self):
        classes = {status: type(errors.error_of(status)) for status in epode.Status if status < 0}
        self.assertNotIn(epode.Error, classes.values())
        self.assertEqual(len(set(classes.values())), len(classes))
        for status, cls in classes.items():
            self.assertEqual(cls.status, status)
            self.assertTrue(str(errors.error_of(status)))

    def test_values_of_a_newer_library_are_no_error(self):
        self.assertEqual(epode.State(99), 99)
        self.assertEqual(epode.State(99).name, "UNKNOWN_99")
        self.assertEqual(type(errors.error_of(-99)), epode.Error)
        self.assertEqual(errors.error_of(-99).status, -99)
        self.assertIn("OFFLINE", epode.State.__members__)
        self.assertEqual(len(epode.State.__members__), 4)

    def test_everything_that_is_exported_is_there(self):
        for name in epode.__all__:
            self.assertTrue(hasattr(epode, name), name)
        self.assertRegex(epode.__version__, r"^\d+\.\d+\.\d+$")

    def test_text_for_c(self):
        self.assertEqual(handle.utf8("\u00fc"), b"\xc3\xbc")
        for wrong in ("\0", "a\0b", "\ud800"):
            with self.assertRaises(epode.InvalidArgumentError):
                handle.utf8(wrong)

        with self.assertRaises(TypeError):
            handle.utf8(b"bytes")

    def test_counts(self):
        self.assertEqual(epode.live(), {})
        numbers = [handle.hold("thing"), handle.hold("thing")]
        self.assertEqual(epode.live(), {"thing": 2})
        for number in numbers:
            handle.let_go(number)
            handle.let_go(number)
        self.assertEqual(epode.live(), {})


if __name__ == "__main__":
    main()
