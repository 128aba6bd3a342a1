"""How much acq takes from a file that others may have made: every limit, with its reason.

A file says how large it is in a few bytes, and those bytes may be wrong or hostile. So each size
that a file declares is compared with a limit before memory is taken, and work goes along what is
really stored, never along what is declared. With these limits no file makes a verb take more than
500 MB beyond what the file itself holds, or run without end.
"""

# Documents: JSON, YAML, label files, tables of times.
# the manifest of 10,000 folders has 20 MB; the labels of an hour at 100 Hz have 30 MB
LARGEST_DOCUMENT_BYTES = 64 * 2**20
# one of an hour of PURE at 100 Hz has 2.4 million; as Python objects 3 million take up to 400 MB
MOST_VALUES = 3_000_000
# a protocol of cues and the limits of quality have 10 kB; PyYAML reads 100 kB in a second
LARGEST_YAML_BYTES = 256 * 2**10
MOST_YAML_VALUES = 50_000      # with every alias written out: aliases of aliases double each line
DEEPEST = 50                   # lists in lists; the documents of acq have 6

# Pictures: of a session, a video, a PNG.
MOST_PIXELS = 4096 * 2304      # 4K, of cinema or television; as RGB 28 MB, as float32 113 MB

# A video as one array of numbers, as 8-bit ones: a minute of MMPD has 415 MB
LARGEST_VIDEO_ARRAY_BYTES = 450 * 2**20

# Sessions.
# what their columns and tables may take where the file does not hold as many bytes on the disk
LEAST_ROWS_BYTES = 8 * 2**20
# a frame that compresses badly is larger than a raw one by 13 %
MOST_STORED_RATIO = 1.5
# times are int64 ns; differences of two of them must be int64, too: 146 years to either side
LATEST_NS = 2**62
LONGEST_TEXT = 4096            # characters of an attribute: a GStreamer pipeline has some hundred
FASTEST_HZ = 2000              # a PPG sensor; a contact PPG is sampled at 25 to 1000 Hz

# Quality.
MOST_FLAGS = 200               # of one kind, a session; more are told as one

# Archives of arrays: the curves behind a grade have 350 kB
LARGEST_ARRAYS_BYTES = 64 * 2**20

# Networks: the teacher has 3.2 MB, its checkpoint too; the state of its training has 10 MB
LARGEST_NETWORK_BYTES = 64_000_000

# The trial of a network that acq did not make: of its networks the largest takes 140 MB and 0.3 s
# there, and a Jetson Nano, the slowest board that reads a pulse, needs 0.5 s for a teacher's frame.
TRIAL_BYTES = 400 * 2**20
TRIAL_S = 30
TRIAL_RUN_S = 3.0
MOST_NODES = 2000              # of a graph; a teacher in 8-bit integers has about a hundred
LARGEST_OUTPUT = 1e6           # a pulse's change has unit variance; corrections are parts of a box
