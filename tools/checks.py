"""Named checks in; a line for each and a closing `N passed, N failed` out."""
import traceback


class Checks:
    def __init__(self):
        self.passed = self.failed = 0

    def run(self, name: str, check):
        """`check()` returns what was seen (printed) or raises AssertionError with what was expected."""
        try:
            seen = check()
        except Exception as error:
            self.failed += 1
            print(f"✗ {name}: {error}")
            if not isinstance(error, AssertionError):
                traceback.print_exc()
        else:
            self.passed += 1
            print(f"✓ {name}" + (f": {seen}" if seen else ""))

    def close(self) -> int:
        """Prints the closing line; the exit code. Nothing checked is a failure too."""
        print(f"{self.passed} passed, {self.failed} failed")
        return 0 if self.failed == 0 and self.passed > 0 else 1


def near(got, expected, bar: float, what: str) -> str:
    """Relative L2 distance of two torch tensors, at most `bar`; NaN fails."""
    off = ((got.double() - expected.double()).norm() / expected.double().norm()).item()
    assert off <= bar, f"{what} is off by {off:.2e} rel. L2, at most {bar:.0e} is allowed"
    return f"{off:.1e}"
