"""The grader: `python -m grading FOLDER` grades a folder of submissions.

    submissions --> sandbox (the student's code answers the questions) --> judge --> gradebook, feedback, report

Only the sandbox runs students' code, and what comes out of it is treated as data. Scores are given by the judge alone.
"""
