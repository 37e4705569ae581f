"""The grader: `python -m grading FOLDER` grades a folder of submissions.

    submissions, repair --> sandbox (walls, inside) --> judge --> results --> reports (gradebook, feedback, table)

`pipeline` takes a submission through the first four. Only `inside` runs students' code, and what comes out of it is
treated as data: scores are given by the judge alone.
"""
