"""What comes out of the grader: nbgrader's gradebook, feedback for each student, and a report on the class."""
