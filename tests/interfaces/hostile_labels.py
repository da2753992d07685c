"""Labels that a careless page would run, break on, or show as something else."""

HOSTILE = (
    "<script>window.hacked = 1</script>",
    "\"quotes\" & 'ticks' `${1}`",
    "dog \N{DOG FACE}\u200d\N{SAFETY VEST}",
    "\u05e9\u05dc\u05d5\u05dd \u202e right to left",
    "</script><img src=x onerror='window.hacked = 1'>",
    "a\u2028line\u2029of {{ 7 * 7 }} {% templates %}",
    "unbroken" * 12,
    "",
)
