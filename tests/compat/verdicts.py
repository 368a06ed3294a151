"""One line a comparison, and how many failed."""


class Verdicts:
    def __init__(self):
        self.failed = 0

    def expect(self, what, agrees, note=""):
        self.failed += not agrees
        print(f"{'same  ' if agrees else 'DIFFER'}  {what}{note}", flush=True)
